package main

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// socket is one TCP connection on a poller, used by one worker. It is a net.Conn, so that TLS can go on top.
type socket struct {
	poller *poller
	file   int32
	ready  chan struct{} // One token: an edge was seen since the last wait.

	drained    bool  // The last read took all there was: the next one waits first.
	closing    int32 // The peer is done: a read does not wait any more.
	expired    int32
	waitsSince int64 // Unix nanoseconds; 0: does not wait.
}

var errTimeout = errors.New("no byte moved within the time limit")

func dialSocket(p *poller, address *net.TCPAddr) (*socket, error) {
	family, name := socketName(address)
	file, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{poller: p, file: int32(file), ready: make(chan struct{}, 1)}
	if err := s.connect(name); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func socketName(address *net.TCPAddr) (int, syscall.Sockaddr) {
	if four := address.IP.To4(); four != nil {
		name := &syscall.SockaddrInet4{Port: address.Port}
		copy(name.Addr[:], four)
		return syscall.AF_INET, name
	}
	name := &syscall.SockaddrInet6{Port: address.Port}
	copy(name.Addr[:], address.IP.To16())
	return syscall.AF_INET6, name
}

func (s *socket) connect(name syscall.Sockaddr) error {
	if err := syscall.SetsockoptInt(int(s.file), syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	err := syscall.Connect(int(s.file), name)
	if err != nil && err != syscall.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	if err := s.poller.add(s); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	if err := s.wait(); err != nil {
		return err
	}
	code, err := syscall.GetsockoptInt(int(s.file), syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	return os.NewSyscallError("connect", err)
}

func (s *socket) signal() {
	select {
	case s.ready <- struct{}{}:
	default: // A token is there already.
	}
}

// wait returns at the next edge, or at one that came since the last wait. What it was may have been used up since: the
// caller tries again and waits again.
func (s *socket) wait() error {
	select {
	case <-s.ready:
	default:
		atomic.StoreInt64(&s.waitsSince, time.Now().UnixNano())
		<-s.ready
		atomic.StoreInt64(&s.waitsSince, 0)
	}
	s.drained = false
	if atomic.LoadInt32(&s.expired) != 0 {
		return errTimeout
	}
	return nil
}

func (s *socket) Read(out []byte) (int, error) {
	if s.drained && atomic.LoadInt32(&s.closing) == 0 {
		if err := s.wait(); err != nil {
			return 0, err
		}
	}
	for {
		count, errno := s.transfer(syscall.SYS_READ, out)
		switch {
		case errno == syscall.EAGAIN:
			if err := s.wait(); err != nil {
				return 0, err
			}
		case errno == syscall.EINTR:
		case errno != 0:
			return 0, os.NewSyscallError("read", errno)
		case count == 0 && len(out) > 0:
			return 0, io.EOF
		default:
			// A short read has emptied the socket (epoll(7)): trying again would be a syscall for nothing.
			s.drained = count < len(out)
			return count, nil
		}
	}
}

func (s *socket) Write(in []byte) (int, error) {
	for written := 0; written < len(in); {
		count, errno := s.transfer(syscall.SYS_WRITE, in[written:])
		switch {
		case errno == syscall.EAGAIN:
			if err := s.wait(); err != nil {
				return written, err
			}
		case errno == syscall.EINTR:
		case errno != 0:
			return written, os.NewSyscallError("write", errno)
		default:
			written += count
		}
	}
	return len(in), nil
}

// transfer reads or writes. Raw: a call on a socket that never blocks need not tell the scheduler.
func (s *socket) transfer(call uintptr, bytes []byte) (int, syscall.Errno) {
	if len(bytes) == 0 {
		return 0, 0
	}
	count, _, errno := syscall.RawSyscall(call, uintptr(s.file), uintptr(unsafe.Pointer(&bytes[0])), uintptr(len(bytes)))
	return int(count), errno
}

func (s *socket) Close() error {
	s.poller.remove(s)
	return syscall.Close(int(s.file))
}

// The poller watches one limit for all: ioTimeout.
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
func (s *socket) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *socket) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
