package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"hash/crc64"
	"testing"
)

func TestCrc64IsNvmes(t *testing.T) {
	if got := crc64.Checksum([]byte("123456789"), crc64Table); got != 0xAE8B14860A799888 {
		t.Fatalf("%x", got)
	}
}

func TestPayloadSumsCoverTheWholeBody(t *testing.T) {
	const size = sendBytes + 12345
	body := make([]byte, size)
	content := newPattern(1, "k")
	content.fill(body, 0)
	w := &worker{}

	r := request{content: content, size: size}
	signPayload(w, &r)
	if want := sha256.Sum256(body); r.payloadHash != hex.EncodeToString(want[:]) {
		t.Fatal("sha256 differs")
	}

	sum := crc32.NewIEEE()
	w.hashContent(sum, &request{content: content, size: size - 7, offset: 7})
	if sum.Sum32() != crc32.ChecksumIEEE(body[7:]) {
		t.Fatal("crc32 of a part differs")
	}
}

func TestCollectKeepsNoMoreThanItsBound(t *testing.T) {
	c := collect{max: 5}
	for _, piece := range []string{"abc", "def", "ghi"} {
		if err := c.consume([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(c.body, []byte("abcde")) {
		t.Fatalf("%q", c.body)
	}
}
