package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// sendBytes is the memory a request goes out through: the head and the first bytes of the body leave in one write.
const sendBytes = 256 << 10

// request is one HTTP request. The body is either `body` or `size` bytes of `content`, from `offset` on.
type request struct {
	method, path, query string // Path and query as they are sent; the query sorted, as it is signed.
	payloadHash         string
	amz                 []header // x-amz-*, ascending: signed.
	plain               []header // Others: sent, not signed.

	body    []byte
	content pattern
	offset  int64
	size    int64
}

func (r *request) bodyBytes() int64 {
	if r.body != nil {
		return int64(len(r.body))
	}
	return r.size
}

// response is what is kept of an answer's head.
type response struct {
	code    int
	length  int64 // Content-Length; -1 if there was none.
	etag    []byte
	chunked bool
	closes  bool
}

// consumer looks at the pieces of a body as they come.
type consumer interface{ consume(piece []byte) error }

// send writes the whole request.
func (w *worker) send(r *request) error {
	head := append(w.out[:0], r.method...)
	head = append(append(head, ' '), r.path...)
	if r.query != "" {
		head = append(append(head, '?'), r.query...)
	}
	head = append(append(append(head, " HTTP/1.1\r\nHost: "...), w.o.endpoint...), "\r\n"...)
	for _, h := range r.plain {
		head = append(append(append(append(head, h.name...), ": "...), h.value...), "\r\n"...)
	}
	if r.method == "PUT" || r.method == "POST" {
		head = append(head, "Content-Length: "...)
		head = append(strconv.AppendInt(head, r.bodyBytes(), 10), "\r\n"...)
	}
	head = append(w.signer.appendHeaders(head, r, w.o.endpoint, time.Now()), "\r\n"...)
	if r.body != nil {
		head = append(head, r.body...)
	}
	w.out = head
	if r.body != nil || r.size == 0 {
		_, err := w.stream.conn.Write(head)
		return err
	}
	return w.sendContent(r, len(head))
}

// sendContent sends `used` bytes that stand at the start of the send buffer, and the generated body.
func (w *worker) sendContent(r *request, used int) error {
	if cap(w.out) < sendBytes {
		w.out = append(make([]byte, 0, sendBytes), w.out...)
	}
	buffer := w.out[:sendBytes]
	for sent := int64(0); sent < r.size; used = 0 {
		piece := buffer[used:]
		if left := r.size - sent; int64(len(piece)) > left {
			piece = piece[:left]
		}
		r.content.fill(piece, r.offset+sent)
		if _, err := w.stream.conn.Write(buffer[:used+len(piece)]); err != nil {
			return err
		}
		sent += int64(len(piece))
	}
	return nil
}

var errShortHead = errors.New("the answer does not start with an HTTP status line")

// readHead reads the status line and the headers; 100 Continue is skipped.
func (w *worker) readHead() (response, error) {
	for {
		line, err := w.stream.line()
		if err != nil {
			return response{}, err
		}
		if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
			return response{}, errShortHead
		}
		code, err := strconv.Atoi(string(line[9:12]))
		if err != nil {
			return response{}, errShortHead
		}
		answer := response{code: code, length: -1}
		if err := w.readHeaders(&answer); err != nil {
			return response{}, err
		}
		if code != 100 {
			return answer, nil
		}
	}
}

func (w *worker) readHeaders(answer *response) error {
	for {
		line, err := w.stream.line()
		if err != nil || len(line) == 0 {
			return err
		}
		at := bytes.IndexByte(line, ':')
		if at < 0 {
			return fmt.Errorf("header without a colon: %q", line)
		}
		name, value := line[:at], bytes.TrimSpace(line[at+1:])
		switch {
		case isHeader(name, "content-length"):
			if answer.length, err = strconv.ParseInt(string(value), 10, 64); err != nil || answer.length < 0 {
				return fmt.Errorf("bad Content-Length %q", value)
			}
		case isHeader(name, "transfer-encoding"):
			answer.chunked = bytes.EqualFold(value, []byte("chunked"))
		case isHeader(name, "connection"):
			answer.closes = bytes.EqualFold(value, []byte("close"))
		case isHeader(name, "etag"):
			w.etag = append(w.etag[:0], value...)
			answer.etag = w.etag
		}
	}
}

func isHeader(name []byte, wanted string) bool {
	return len(name) == len(wanted) && bytes.EqualFold(name, []byte(wanted))
}

// readBody hands the body to `to`, piece by piece, and says how long it was.
func (w *worker) readBody(answer *response, to consumer) (int64, error) {
	if answer.chunked {
		return w.readChunks(to)
	}
	if answer.length < 0 {
		return 0, errors.New("an answer with neither a length nor chunks")
	}
	return answer.length, w.readPieces(answer.length, to)
}

func (w *worker) readPieces(count int64, to consumer) error {
	for count > 0 {
		piece, err := w.stream.take(count)
		if err != nil {
			return err
		}
		if err := to.consume(piece); err != nil {
			return err
		}
		count -= int64(len(piece))
	}
	return nil
}

func (w *worker) readChunks(to consumer) (int64, error) {
	total := int64(0)
	for {
		line, err := w.stream.line()
		if err != nil {
			return total, err
		}
		if at := bytes.IndexByte(line, ';'); at >= 0 {
			line = line[:at]
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil || size < 0 {
			return total, fmt.Errorf("bad chunk size %q", line)
		}
		if size == 0 {
			return total, w.skipTrailers()
		}
		if err := w.readPieces(size, to); err != nil {
			return total, err
		}
		total += size
		if _, err := w.stream.line(); err != nil {
			return total, err
		}
	}
}

func (w *worker) skipTrailers() error {
	for {
		line, err := w.stream.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}
