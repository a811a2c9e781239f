package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

const (
	receiveBytes = 256 << 10         // What one read takes at most: past it, syscalls no longer show in the client's CPU.
	ioTimeout    = 120 * time.Second // Of one wait for a server.
)

// stream is one connection and what was read from it but not used yet. Bodies are looked at in its buffer, never copied.
type stream struct {
	conn     net.Conn
	buffer   []byte
	from, to int
}

func dial(o *options, p *poller, address *net.TCPAddr) (*stream, error) {
	s, err := dialSocket(p, address)
	if err != nil {
		return nil, err
	}
	var conn net.Conn = s
	if o.tls {
		// The server's certificate was made for this run: who it is does not matter here.
		conn = tls.Client(s, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	}
	return &stream{conn: conn, buffer: make([]byte, receiveBytes)}, nil
}

// receive reads more behind what is there.
func (s *stream) receive() error {
	if s.from == s.to {
		s.from, s.to = 0, 0
	}
	if s.to == len(s.buffer) {
		if s.from == 0 {
			return errors.New("a line of the answer is longer than the buffer")
		}
		s.to = copy(s.buffer, s.buffer[s.from:s.to])
		s.from = 0
	}
	n, err := s.conn.Read(s.buffer[s.to:])
	s.to += n
	if n > 0 {
		return nil
	}
	return err
}

// line takes the next line, without its end. Valid until the next call.
func (s *stream) line() ([]byte, error) {
	for seen := 0; ; {
		if at := bytes.IndexByte(s.buffer[s.from+seen:s.to], '\n'); at >= 0 {
			line := s.buffer[s.from : s.from+seen+at]
			s.from += seen + at + 1
			return bytes.TrimSuffix(line, []byte{'\r'}), nil
		}
		seen = s.to - s.from
		if err := s.receive(); err != nil {
			return nil, err
		}
	}
}

// take takes what is there, at least one byte and at most `count`. Valid until the next call.
func (s *stream) take(count int64) ([]byte, error) {
	if s.from == s.to {
		if err := s.receive(); err != nil {
			return nil, err
		}
	}
	piece := s.buffer[s.from:s.to]
	if int64(len(piece)) > count {
		piece = piece[:count]
	}
	s.from += len(piece)
	return piece, nil
}
