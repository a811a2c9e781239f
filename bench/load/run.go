package main

import (
	"net"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// After so many errors a worker gives up: the run is worth nothing any more.
const errorsMax = 20

// summary is what a run prints, as JSON.
type summary struct {
	Operation  string  `json:"operation"`
	Operations int64   `json:"operations"`
	Errors     int64   `json:"errors"`
	Error      string  `json:"error"`   // The first one's message.
	Retries    int64   `json:"retries"` // After 503.
	Seconds    float64 `json:"seconds"`
	Bytes      int64   `json:"bytes"`    // Of bodies sent or received; of pages, in lists.
	Verified   int64   `json:"verified"` // Bytes compared with what was written.
	Keys       int64   `json:"keys"`     // Listed (common prefixes count) or deleted in batches.
	P50Ms      float64 `json:"p50_ms"`
	P99Ms      float64 `json:"p99_ms"`
	MaxMs      float64 `json:"max_ms"`
	ClientCPU  float64 `json:"client_cpu_seconds"`
}

func run(o *options) (*summary, error) {
	parts, err := prepare(o)
	if err != nil {
		return nil, err
	}
	workers := make([]*worker, o.conc)
	for i := range workers {
		workers[i] = newWorker(o, parts, i)
	}
	go parts.poller.run()
	defer parts.poller.stop()
	var next int64
	var group sync.WaitGroup
	cpu, begin := cpuSeconds(), time.Now()
	for _, w := range workers {
		group.Add(1)
		go func(w *worker) {
			defer group.Done()
			w.work(&next, begin.Add(o.timeMax))
		}(w)
	}
	group.Wait()
	s := &summary{Operation: o.op, Seconds: time.Since(begin).Seconds(), ClientCPU: cpuSeconds() - cpu}
	s.add(workers)
	return s, nil
}

func prepare(o *options) (shared, error) {
	picks, err := newPicker(o.order, o.objects, o.pickSeed)
	if err != nil {
		return shared{}, err
	}
	address, err := net.ResolveTCPAddr("tcp", o.endpoint)
	if err != nil {
		return shared{}, err
	}
	p, err := newPoller()
	return shared{picks, p, address}, err
}

// work takes operation after operation until all are taken.
func (w *worker) work(next *int64, deadline time.Time) {
	defer w.close()
	perform := operations[w.o.op]
	for {
		i := atomic.AddInt64(next, 1) - 1
		begin := time.Now()
		if i >= w.o.count || begin.After(deadline) || w.tally.errors >= errorsMax {
			return
		}
		if err := perform(w, i); err != nil {
			w.fail(err)
			continue
		}
		w.tally.operations++
		if w.o.op != "list" { // It notes its pages.
			w.tally.latencies = append(w.tally.latencies, time.Since(begin).Nanoseconds())
		}
	}
}

func (s *summary) add(workers []*worker) {
	var latencies []int64
	for _, w := range workers {
		t := &w.tally
		s.Operations += t.operations
		s.Errors += t.errors
		s.Retries += t.retries
		s.Bytes += t.bytes
		s.Verified += t.verified
		s.Keys += t.keys
		if s.Error == "" {
			s.Error = t.message
		}
		latencies = append(latencies, t.latencies...)
	}
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	s.P50Ms = percentile(latencies, 50)
	s.P99Ms = percentile(latencies, 99)
	s.MaxMs = percentile(latencies, 100)
}

// percentile is the nearest rank's, in milliseconds.
func percentile(sorted []int64, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	if rank < 1 {
		rank = 1
	}
	return float64(sorted[rank-1]) / float64(time.Millisecond)
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
