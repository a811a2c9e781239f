package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"time"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptySha256     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	stampLayout     = "20060102T150405Z"
	dateChars       = 8 // Of the stamp.
)

// header is one request header; names in lower case, as the canonical request wants them.
type header struct{ name, value string }

// signer makes SigV4 signatures for one worker. It keeps what changes once a day (the derived key) and once a second (the
// time stamp), and its buffers: a signature costs a few hash blocks and no allocation.
type signer struct {
	access, secret, region string

	second int64
	stamp  string
	scope  string
	date   string
	mac    hash.Hash // Keyed with the day's derived key.

	headers   []header
	canonical []byte
	text      []byte
	digest    []byte
}

func macOf(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func (s *signer) setTime(now time.Time) {
	if now.Unix() == s.second {
		return
	}
	s.second = now.Unix()
	s.stamp = now.UTC().Format(stampLayout)
	if date := s.stamp[:dateChars]; date != s.date {
		s.date = date
		s.scope = date + "/" + s.region + "/s3/aws4_request"
		key := macOf(macOf(macOf(macOf([]byte("AWS4"+s.secret), date), s.region), "s3"), "aws4_request")
		s.mac = hmac.New(sha256.New, key)
	}
}

// appendHeaders appends the signed headers (but Host, which it signs too) and Authorization to a request head.
func (s *signer) appendHeaders(head []byte, r *request, host string, now time.Time) []byte {
	s.setTime(now)
	s.headers = append(s.headers[:0], header{"host", host})
	s.headers = append(s.headers, r.amz...)
	s.insert(header{"x-amz-content-sha256", r.payloadHash})
	s.insert(header{"x-amz-date", s.stamp})

	c := append(s.canonical[:0], r.method...)
	c = append(append(append(c, '\n'), r.path...), '\n')
	c = append(append(c, r.query...), '\n')
	for _, h := range s.headers {
		c = append(append(append(append(c, h.name...), ':'), h.value...), '\n')
	}
	c = append(c, '\n')
	namesFrom := len(c)
	for i, h := range s.headers {
		if i > 0 {
			c = append(c, ';')
		}
		c = append(c, h.name...)
	}
	names := c[namesFrom:len(c):len(c)]
	c = append(append(c, '\n'), r.payloadHash...)
	s.canonical = c

	hashed := sha256.Sum256(c)
	t := append(s.text[:0], "AWS4-HMAC-SHA256\n"...)
	t = append(append(t, s.stamp...), '\n')
	t = append(append(t, s.scope...), '\n')
	t = appendHex(t, hashed[:])
	s.text = t
	s.mac.Reset()
	s.mac.Write(t)
	s.digest = s.mac.Sum(s.digest[:0])

	for _, h := range s.headers[1:] {
		head = append(append(append(append(head, h.name...), ": "...), h.value...), "\r\n"...)
	}
	head = append(append(head, "Authorization: AWS4-HMAC-SHA256 Credential="...), s.access...)
	head = append(append(append(head, '/'), s.scope...), ", SignedHeaders="...)
	head = append(append(head, names...), ", Signature="...)
	return append(appendHex(head, s.digest), "\r\n"...)
}

// insert keeps the headers sorted by name.
func (s *signer) insert(h header) {
	s.headers = append(s.headers, h)
	for i := len(s.headers) - 1; i > 0 && s.headers[i].name < s.headers[i-1].name; i-- {
		s.headers[i], s.headers[i-1] = s.headers[i-1], s.headers[i]
	}
}

func appendHex(out, bytes []byte) []byte {
	from := len(out)
	for range bytes {
		out = append(out, 0, 0)
	}
	hex.Encode(out[from:], bytes)
	return out
}

const upperHex = "0123456789ABCDEF"

// escape is the URI encoding of SigV4: everything but unreserved characters, and slashes if asked to.
func escape(text string, slashes bool) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && !slashes:
			out = append(out, c)
		default:
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(out)
}
