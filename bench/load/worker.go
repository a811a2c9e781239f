package main

import (
	"fmt"
	"math/rand"
	"net"
	"time"
)

const (
	// Of an error's body and of a listing page: a page of 1,000 keys of the longest kind is smaller.
	collectedMax = 8 << 20
	messageMax   = 300

	statusSlowDown = 503
	retryPauseMin  = 10 * time.Millisecond
	retryPauseMax  = time.Second
)

// worker is one connection and what it keeps from operation to operation. Used by one goroutine.
type worker struct {
	o *options
	shared
	signer signer
	random *rand.Rand
	stream *stream
	out    []byte
	etag   []byte
	tally  tally

	collected collect
	compared  compare
}

// tally is what a worker has done.
type tally struct {
	operations, errors, retries int64
	bytes, verified, keys       int64
	latencies                   []int64 // Nanoseconds.
	message                     string  // Of the first error.
}

// shared is what all workers of a run use.
type shared struct {
	picks   picker
	poller  *poller
	address *net.TCPAddr
}

func newWorker(o *options, s shared, number int) *worker {
	return &worker{
		o:         o,
		shared:    s,
		signer:    signer{access: o.access, secret: o.secret, region: o.region},
		random:    rand.New(rand.NewSource(o.pickSeed<<16 + int64(number))),
		collected: collect{max: collectedMax},
	}
}

func (w *worker) close() {
	if w.stream != nil {
		w.stream.conn.Close()
		w.stream = nil
	}
}

func (w *worker) fail(err error) {
	w.tally.errors++
	if w.tally.message == "" {
		w.tally.message = err.Error()
	}
}

// exchange sends a request and reads the answer; one of 300 and above is an error. An answer of 503 is asked again as
// often as the options allow. The answer's ETag is valid until the next exchange.
func (w *worker) exchange(r *request, to consumer) (response, int64, error) {
	pause := retryPauseMin
	for try := 0; ; try++ {
		answer, length, err := w.exchangeOnce(r, to)
		if err != nil {
			w.close()
			return answer, length, err
		}
		if answer.code < 300 {
			return answer, length, nil
		}
		if answer.code != statusSlowDown || try == w.o.retries {
			return answer, length, fmt.Errorf("%s %s: %d %s", r.method, r.path, answer.code, w.message())
		}
		w.tally.retries++
		w.poller.pause(pause)
		if pause *= 2; pause > retryPauseMax {
			pause = retryPauseMax
		}
	}
}

func (w *worker) message() string {
	text := w.collected.body
	if len(text) > messageMax {
		text = text[:messageMax]
	}
	return string(text)
}

func (w *worker) exchangeOnce(r *request, to consumer) (response, int64, error) {
	if w.stream == nil {
		s, err := dial(w.o, w.poller, w.address)
		if err != nil {
			return response{}, 0, err
		}
		w.stream = s
	}
	// A server that refuses a body may answer and close while we still send: its answer says more than the broken pipe.
	sent := w.send(r)
	answer, err := w.readHead()
	if sent != nil && (err != nil || answer.code < 300) {
		return answer, 0, fmt.Errorf("sending: %w", sent)
	}
	if err != nil {
		return answer, 0, fmt.Errorf("reading the answer: %w", err)
	}
	if answer.code >= 300 {
		w.collected.body = w.collected.body[:0]
		to = &w.collected
	}
	length := int64(0)
	if hasBody(r, &answer) {
		if length, err = w.readBody(&answer, to); err != nil {
			return answer, length, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
	}
	if answer.closes || sent != nil {
		w.close()
	}
	return answer, length, nil
}

func hasBody(r *request, answer *response) bool {
	return r.method != "HEAD" && answer.code != 204 && answer.code != 304
}

// exchangeXML keeps the answer, in w.collected, valid until the next exchange.
func (w *worker) exchangeXML(r *request) ([]byte, response, error) {
	w.collected.body = w.collected.body[:0]
	answer, _, err := w.exchange(r, &w.collected)
	return w.collected.body, answer, err
}

func (w *worker) objectPath(key string) string {
	return "/" + w.o.bucket + "/" + escape(key, false)
}

func (w *worker) picked(operation int64) int64 { return w.o.base + w.picks.pick(operation, w.random) }
