package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// poller waits for all sockets of the run at once. It stands in for the runtime's own network poller because that one can
// cost more than a fast server: between two answers the runtime goes idle and wakes again, with its monitor thread, at
// three context switches an operation. Here the only thread sleeps in epoll, unseen by the scheduler, and hands the
// processor straight to the workers whose sockets have something.
type poller struct {
	epoll   int
	stopped int32
	pausing int32 // Workers that sleep in `pause`.
	mutex   sync.Mutex
	sockets map[int32]*socket
}

const (
	eventsMax = 256
	tickMs    = 1000 // Between looks at the deadlines.
	pauseMs   = 5    // While somebody pauses: the runtime's timers do not interrupt epoll.

	edgeTriggered = 1 << 31 // syscall.EPOLLET is negative, which the field does not take.
	watched       = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | edgeTriggered
	hungUp        = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
)

func newPoller() (*poller, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &poller{epoll: epoll, sockets: map[int32]*socket{}}, nil
}

func (p *poller) add(s *socket) error {
	p.mutex.Lock()
	p.sockets[s.file] = s
	p.mutex.Unlock()
	return syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, int(s.file), &syscall.EpollEvent{Events: watched, Fd: s.file})
}

func (p *poller) remove(s *socket) {
	p.mutex.Lock()
	delete(p.sockets, s.file)
	p.mutex.Unlock()
}

// run serves until `stop`. With one processor the workers it wakes run as soon as it yields, and it runs again once all of
// them wait: it goes to the end of the queue.
func (p *poller) run() {
	defer syscall.Close(p.epoll)
	events := make([]syscall.EpollEvent, eventsMax)
	checked := time.Now()
	for atomic.LoadInt32(&p.stopped) == 0 {
		timeout := uintptr(tickMs)
		if atomic.LoadInt32(&p.pausing) > 0 {
			timeout = pauseMs
		}
		// Raw: the scheduler would start its idle machinery. It fails with EINTR when the runtime wants to stop the world.
		count, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.epoll),
			uintptr(unsafe.Pointer(&events[0])), eventsMax, timeout, 0, 0)
		if errno == 0 {
			p.wake(events[:count])
		}
		if now := time.Now(); now.Sub(checked) > tickMs*time.Millisecond {
			checked = now
			p.expire(now)
		}
		runtime.Gosched()
	}
}

func (p *poller) stop() { atomic.StoreInt32(&p.stopped, 1) }

func (p *poller) wake(events []syscall.EpollEvent) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := range events {
		if s := p.sockets[events[i].Fd]; s != nil {
			if events[i].Events&hungUp != 0 {
				atomic.StoreInt32(&s.closing, 1)
			}
			s.signal()
		}
	}
}

// expire wakes those that have waited too long.
func (p *poller) expire(now time.Time) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, s := range p.sockets {
		if since := atomic.LoadInt64(&s.waitsSince); since != 0 && now.UnixNano()-since > int64(ioTimeout) {
			atomic.StoreInt32(&s.expired, 1)
			s.signal()
		}
	}
}

// pause sleeps.
func (p *poller) pause(duration time.Duration) {
	atomic.AddInt32(&p.pausing, 1)
	time.Sleep(duration)
	atomic.AddInt32(&p.pausing, -1)
}
