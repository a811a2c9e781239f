package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// options say what to do, whole. The credential comes from the environment: a process list would show it.
type options struct {
	endpoint, region, bucket string
	access, secret           string
	tls                      bool

	op       string
	count    int64
	conc     int
	timeMax  time.Duration
	retries  int
	size     int64
	part     int64
	span     int64
	payload  string
	prefix   string
	base     int64
	objects  int64
	seed     uint64
	pickSeed int64
	order    string
	verify   bool

	copyPrefix string
	bodyPrefix string
	delimiter  string
	maxKeys    int
	directory  string
}

const (
	concMax      = 256
	maxKeysLimit = 1000    // Of one LIST page and of one batch delete: S3's own.
	partMin      = 5 << 20 // S3's own, but for the last part.
)

func parseOptions(arguments []string, errorsTo io.Writer) (*options, error) {
	o := &options{access: os.Getenv("AWS_ACCESS_KEY_ID"), secret: os.Getenv("AWS_SECRET_ACCESS_KEY")}
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(errorsTo)
	f.StringVar(&o.endpoint, "endpoint", "127.0.0.1:9000", "`host:port` of the server")
	f.BoolVar(&o.tls, "tls", false, "speak TLS; any certificate will do")
	f.StringVar(&o.region, "region", "us-east-1", "region of the signatures")
	f.StringVar(&o.bucket, "bucket", "bench", "bucket of all keys")
	f.StringVar(&o.op, "op", "put", "operation: "+operationNames())
	f.Int64Var(&o.count, "count", 1000, "operations to run")
	f.IntVar(&o.conc, "conc", 8, "connections at once, each with one operation under way")
	f.DurationVar(&o.timeMax, "time-max", 10*time.Minute, "start no operation after this time")
	f.IntVar(&o.retries, "retries", 0, "tries after an answer of 503, each later than the one before")
	f.Int64Var(&o.size, "size", 4096, "bytes of an object")
	f.Int64Var(&o.part, "part", 16<<20, "bytes of a part (multipart)")
	f.Int64Var(&o.span, "range", 65536, "bytes of a range (range)")
	f.StringVar(&o.payload, "payload", "unsigned", "what vouches for the body of a PUT: unsigned, sha256, crc32 or crc64nvme")
	f.StringVar(&o.prefix, "prefix", "p/", "start of all keys")
	f.Int64Var(&o.base, "base", 0, "number of the first object")
	f.Int64Var(&o.objects, "objects", 0, "objects that reads, copies and deletes choose from; 0: as many as -count")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the bodies: reads must name that of the writes they verify")
	f.Int64Var(&o.pickSeed, "pick-seed", 1, "seed of the choice of keys and ranges")
	f.StringVar(&o.order, "order", "random", "order of reads: random, or each object once")
	f.BoolVar(&o.verify, "verify", false, "compare every byte read with what was written")
	f.StringVar(&o.copyPrefix, "copy-prefix", "copy/", "start of the keys that copies go to")
	f.StringVar(&o.bodyPrefix, "body-prefix", "", "start of the keys these bodies were written under, if they are copies")
	f.StringVar(&o.delimiter, "delimiter", "", "delimiter (list)")
	f.IntVar(&o.maxKeys, "max-keys", maxKeysLimit, "keys of a page (list) or of a request (delete-batch)")
	f.StringVar(&o.directory, "directory", "", "where -op files puts the objects")
	if err := f.Parse(arguments); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.objects == 0 {
		o.objects = o.count
	}
	if o.bodyPrefix == "" {
		o.bodyPrefix = o.prefix
	}
	return o, o.check()
}

func (o *options) check() error {
	switch {
	case operations[o.op] == nil:
		return fmt.Errorf("unknown operation %q; there are %s", o.op, operationNames())
	case payloads[o.payload] == nil:
		return fmt.Errorf("unknown payload %q", o.payload)
	case o.conc < 1 || o.conc > concMax:
		return fmt.Errorf("conc must be 1 to %d", concMax)
	case o.count < 1 || o.objects < 1 || o.base < 0:
		return errors.New("count and objects must be positive, base not negative")
	case o.size < 0 || o.span < 1:
		return errors.New("size may not be negative, range must be positive")
	case o.op == "range" && o.span > o.size:
		return errors.New("range is longer than the object")
	case o.op == "multipart" && o.part < partMin:
		return fmt.Errorf("part must be at least %d", partMin)
	case o.maxKeys < 1 || o.maxKeys > maxKeysLimit:
		return fmt.Errorf("max-keys must be 1 to %d", maxKeysLimit)
	case o.op == "files" && o.directory == "":
		return errors.New("files needs a directory")
	case o.op != "files" && (o.access == "" || o.secret == ""):
		return errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set")
	}
	return nil
}
