package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// memoryServer keeps objects in memory: enough of S3 to drive the generator, none of its checks.
type memoryServer struct {
	mutex    sync.Mutex
	objects  map[string][]byte
	busy     int  // So many answers of 503 come first.
	chunked  bool // Bodies go out without a length.
	corrupts bool // One bit of every body is flipped on its way out.
}

func (m *memoryServer) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.busy > 0 {
		m.busy--
		http.Error(out, "<Code>SlowDown</Code>", http.StatusServiceUnavailable)
		return
	}
	if in.Method == http.MethodPut {
		m.objects[in.URL.Path], _ = io.ReadAll(in.Body)
		return
	}
	body, found := m.objects[in.URL.Path]
	if !found {
		http.NotFound(out, in)
		return
	}
	if m.corrupts {
		body = append([]byte(nil), body...)
		body[len(body)/2] ^= 1
	}
	if m.chunked && in.Method == http.MethodGet {
		out.(http.Flusher).Flush()
		io.WriteString(out, string(body))
		return
	}
	http.ServeContent(out, in, "", time.Time{}, strings.NewReader(string(body)))
}

func (m *memoryServer) change(what func()) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	what()
}

func startServer(t *testing.T) (*memoryServer, string) {
	m := &memoryServer{objects: map[string][]byte{}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, strings.TrimPrefix(server.URL, "http://")
}

func load(t *testing.T, endpoint string, arguments ...string) *summary {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "access")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	o, err := parseOptions(append([]string{"-endpoint", endpoint}, arguments...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s, err := run(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func expectClean(t *testing.T, s *summary, operations, bytes int64) {
	t.Helper()
	if s.Errors != 0 || s.Operations != operations || s.Bytes != bytes {
		t.Fatalf("%+v", *s)
	}
}

func TestWhatIsPutComesBackVerified(t *testing.T) {
	for _, size := range []int64{0, 1, 4096, sendBytes, 3*sendBytes + 5} {
		_, endpoint := startServer(t)
		arguments := []string{"-size", strconv.FormatInt(size, 10), "-count", "20", "-conc", "4", "-verify"}
		expectClean(t, load(t, endpoint, append(arguments, "-op", "put")...), 20, 20*size)
		got := load(t, endpoint, append(arguments, "-op", "get", "-order", "each")...)
		expectClean(t, got, 20, 20*size)
		if got.Verified != 20*size {
			t.Fatalf("size %d: %d bytes verified", size, got.Verified)
		}
		expectClean(t, load(t, endpoint, append(arguments, "-op", "head")...), 20, 0)
	}
}

func TestTLSCarriesTheSameBytes(t *testing.T) {
	server := httptest.NewTLSServer(&memoryServer{objects: map[string][]byte{}})
	defer server.Close()
	endpoint := strings.TrimPrefix(server.URL, "https://")
	arguments := []string{"-tls", "-size", "1000000", "-count", "8", "-conc", "4"}
	expectClean(t, load(t, endpoint, append(arguments, "-op", "put")...), 8, 8_000_000)
	expectClean(t, load(t, endpoint, append(arguments, "-op", "get", "-verify")...), 8, 8_000_000)
}

func TestAServerThatHangsUpIsAnErrorAndNotAWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler) // Closes the connection without an answer.
	}))
	defer server.Close()
	got := load(t, strings.TrimPrefix(server.URL, "http://"), "-op", "head", "-count", "3", "-conc", "1")
	if got.Errors != 3 {
		t.Fatalf("%+v", *got)
	}
}

func TestNobodyAtTheEndpointIsAnError(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	endpoint := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	if got := load(t, endpoint, "-op", "head", "-count", "2"); got.Errors != 2 {
		t.Fatalf("%+v", *got)
	}
}

func TestRangesAreVerifiedAtTheirOffsets(t *testing.T) {
	_, endpoint := startServer(t)
	load(t, endpoint, "-op", "put", "-size", "100000", "-count", "2")
	got := load(t, endpoint, "-op", "range", "-size", "100000", "-range", "999", "-count", "50", "-objects", "2", "-verify")
	expectClean(t, got, 50, 50*999)
	if got.Verified != got.Bytes {
		t.Fatalf("%d bytes verified", got.Verified)
	}
}

func TestBodiesInChunksAreUnderstood(t *testing.T) {
	m, endpoint := startServer(t)
	load(t, endpoint, "-op", "put", "-size", "300000", "-count", "3")
	m.change(func() { m.chunked = true })
	got := load(t, endpoint, "-op", "get", "-size", "300000", "-count", "6", "-objects", "3", "-verify")
	expectClean(t, got, 6, 6*300000)
}

func TestAWrongBitIsAnError(t *testing.T) {
	m, endpoint := startServer(t)
	load(t, endpoint, "-op", "put", "-count", "3")
	m.change(func() { m.corrupts = true })
	got := load(t, endpoint, "-op", "get", "-count", "5", "-objects", "3", "-verify")
	if got.Errors != 5 || !strings.Contains(got.Error, "wrong byte at offset 2048") {
		t.Fatalf("%+v", *got)
	}
}

func TestAnotherSeedIsAnError(t *testing.T) {
	_, endpoint := startServer(t)
	load(t, endpoint, "-op", "put", "-count", "3", "-seed", "1")
	got := load(t, endpoint, "-op", "get", "-count", "5", "-objects", "3", "-seed", "2", "-verify")
	if got.Errors != 5 {
		t.Fatalf("%+v", *got)
	}
}

func TestSlowDownIsAskedAgainAndCounted(t *testing.T) {
	m, endpoint := startServer(t)
	m.change(func() { m.busy = 3 })
	got := load(t, endpoint, "-op", "put", "-count", "5", "-conc", "1", "-retries", "3")
	expectClean(t, got, 5, 5*4096)
	if got.Retries != 3 {
		t.Fatalf("%+v", *got)
	}
}

func TestErrorsCarryTheAnswer(t *testing.T) {
	m, endpoint := startServer(t)
	m.change(func() { m.busy = 1 })
	got := load(t, endpoint, "-op", "put", "-count", "1")
	if got.Errors != 1 || !strings.Contains(got.Error, "503") || !strings.Contains(got.Error, "SlowDown") {
		t.Fatalf("%+v", *got)
	}
}

func TestPercentilesAreTheNearestRanks(t *testing.T) {
	var sorted []int64
	for i := int64(1); i <= 200; i++ {
		sorted = append(sorted, i*1_000_000)
	}
	for percent, want := range map[int]float64{1: 2, 50: 100, 99: 198, 100: 200} {
		if got := percentile(sorted, percent); got != want {
			t.Fatalf("p%d is %v, want %v", percent, got, want)
		}
	}
}

func TestEachObjectIsPickedOnce(t *testing.T) {
	p, err := newPicker("each", 100, 5)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int64]bool{}
	for op := int64(0); op < 100; op++ {
		seen[p.pick(op, nil)] = true
	}
	if len(seen) != 100 {
		t.Fatalf("%d different ones", len(seen))
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	for _, arguments := range []string{"-op nonsense", "-conc 257", "-conc 0", "-count 0", "-payload md5", "-op files",
		"-op range -size 10 -range 11", "-op multipart -part 1000", "-max-keys 1001", "surplus"} {
		if _, err := parseOptions(strings.Fields(arguments), io.Discard); err == nil {
			t.Errorf("%q passes", arguments)
		}
	}
}
