package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// operations by name. Each runs operation number i of the run.
var operations map[string]func(w *worker, i int64) error

func init() { // In init: parseOptions asks for the names, and an operation asks for the options.
	operations = map[string]func(w *worker, i int64) error{
		"bucket":       makeBucket,
		"put":          putObject,
		"multipart":    putMultipart,
		"get":          getObject,
		"range":        getRange,
		"head":         headObject,
		"list":         listAll,
		"copy":         copyObject,
		"delete":       deleteObject,
		"delete-batch": deleteBatch,
		"files":        writeFile,
	}
}

func operationNames() string {
	names := make([]string, 0, len(operations))
	for name := range operations {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// makeBucket is content with a bucket that exists.
func makeBucket(w *worker, _ int64) error {
	answer, _, err := w.exchange(&request{method: "PUT", path: "/" + w.o.bucket, payloadHash: emptySha256}, discard{})
	if answer.code == 409 {
		return nil
	}
	return err
}

func (w *worker) putRequest(key, query string, offset, size int64) *request {
	r := &request{method: "PUT", path: w.objectPath(key), query: query, payloadHash: unsignedPayload,
		content: newPattern(w.o.seed, key), offset: offset, size: size}
	payloads[w.o.payload](w, r)
	return r
}

func putObject(w *worker, i int64) error {
	_, _, err := w.exchange(w.putRequest(keyName(w.o.prefix, w.o.base+i), "", 0, w.o.size), discard{})
	if err == nil {
		w.tally.bytes += w.o.size
	}
	return err
}

// reader checks or skips the body of an object.
func (w *worker) reader(index, offset int64) consumer {
	if !w.o.verify {
		return discard{}
	}
	w.compared = compare{content: newPattern(w.o.seed, keyName(w.o.bodyPrefix, index)), offset: offset}
	return &w.compared
}

func (w *worker) readObject(r *request, to consumer, want int64, code int) error {
	answer, length, err := w.exchange(r, to)
	if err != nil {
		return err
	}
	if length != want || answer.code != code {
		return fmt.Errorf("GET %s: %d with %d bytes, want %d with %d", r.path, answer.code, length, code, want)
	}
	w.tally.bytes += length
	if w.o.verify {
		w.tally.verified += w.compared.checked
	}
	return nil
}

func getObject(w *worker, i int64) error {
	index := w.picked(i)
	r := &request{method: "GET", path: w.objectPath(keyName(w.o.prefix, index)), payloadHash: emptySha256}
	return w.readObject(r, w.reader(index, 0), w.o.size, 200)
}

func getRange(w *worker, i int64) error {
	index := w.picked(i)
	offset := w.random.Int63n(w.o.size - w.o.span + 1)
	value := append(make([]byte, 0, 48), "bytes="...)
	value = append(strconv.AppendInt(value, offset, 10), '-')
	value = strconv.AppendInt(value, offset+w.o.span-1, 10)
	r := &request{method: "GET", path: w.objectPath(keyName(w.o.prefix, index)), payloadHash: emptySha256,
		plain: []header{{"Range", string(value)}}}
	return w.readObject(r, w.reader(index, offset), w.o.span, 206)
}

func headObject(w *worker, i int64) error {
	r := &request{method: "HEAD", path: w.objectPath(keyName(w.o.prefix, w.picked(i))), payloadHash: emptySha256}
	answer, _, err := w.exchange(r, discard{})
	if err == nil && answer.length != w.o.size {
		err = fmt.Errorf("HEAD %s: length %d, want %d", r.path, answer.length, w.o.size)
	}
	return err
}

// copyObject copies the objects in turn, each time to a key of its own; the first ones keep their numbers.
func copyObject(w *worker, i int64) error {
	source := "/" + w.o.bucket + "/" + escape(keyName(w.o.prefix, w.o.base+i%w.o.objects), false)
	r := &request{method: "PUT", path: w.objectPath(keyName(w.o.copyPrefix, w.o.base+i)), payloadHash: emptySha256,
		amz: []header{{"x-amz-copy-source", source}}}
	body, _, err := w.exchangeXML(r)
	if err == nil && !bytes.Contains(body, []byte("<ETag>")) { // A copy may fail after its 200.
		err = fmt.Errorf("copy: %s", w.message())
	}
	if err == nil {
		w.tally.bytes += w.o.size
	}
	return err
}

func deleteObject(w *worker, i int64) error {
	r := &request{method: "DELETE", path: w.objectPath(keyName(w.o.prefix, w.o.base+i)), payloadHash: emptySha256}
	_, _, err := w.exchange(r, discard{})
	return err
}

// writeFile writes the object as a file: for servers of files, whose answers show what sending alone costs.
func writeFile(w *worker, i int64) error {
	key := keyName(w.o.prefix, w.o.base+i)
	path := filepath.Join(w.o.directory, w.o.bucket, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	body := make([]byte, w.o.size)
	newPattern(w.o.seed, key).fill(body, 0)
	w.tally.bytes += w.o.size
	return os.WriteFile(path, body, 0o644)
}
