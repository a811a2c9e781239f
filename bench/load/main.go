// A load generator for S3 servers: raw HTTP/1.1 with SigV4, a fixed number of operations, one JSON summary. It is made to
// cost less CPU than any server it drives; bodies are computed, and checked when they come back.
//
//	AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… load -op put -size 65536 -count 1000 -conc 16
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// The garbage collector may let the heap grow fivefold: it is small, and CPU is what counts.
const gcPercent = 400

func main() {
	debug.SetGCPercent(gcPercent)
	runtime.GOMAXPROCS(1) // One core drives any server, and one processor is what the poller is made for.
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	}
	s, err := run(o)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
