package main

import (
	"strings"
	"testing"
	"time"
)

// The examples of "Authenticating Requests: Using the Authorization Header" in the S3 API reference.
const (
	exampleAccess = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	exampleHost   = "examplebucket.s3.amazonaws.com"
)

func signature(t *testing.T, r request) string {
	t.Helper()
	s := &signer{access: exampleAccess, secret: exampleSecret, region: "us-east-1"}
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	head := string(s.appendHeaders(nil, &r, exampleHost, now))
	again := string(s.appendHeaders(nil, &r, exampleHost, now))
	if head != again {
		t.Fatal("the second signature differs: state was left behind")
	}
	at := strings.LastIndex(head, "Signature=")
	return strings.TrimSuffix(head[at+len("Signature="):], "\r\n")
}

func TestSignsTheExamplesOfTheReference(t *testing.T) {
	ranged := request{method: "GET", path: "/test.txt", payloadHash: emptySha256,
		amz: []header{{"range", "bytes=0-9"}}}
	const wantRanged = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := signature(t, ranged); got != wantRanged {
		t.Fatalf("signature %s, want %s", got, wantRanged)
	}
	list := request{method: "GET", path: "/", query: "max-keys=2&prefix=J", payloadHash: emptySha256}
	const want = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
	if got := signature(t, list); got != want {
		t.Fatalf("signature %s, want %s", got, want)
	}
}

func TestHeadersAreSignedInOrder(t *testing.T) {
	s := &signer{access: "a", secret: "s", region: "r"}
	r := request{method: "PUT", path: "/", payloadHash: unsignedPayload, amz: []header{{"x-amz-copy-source", "/b/k"}}}
	head := string(s.appendHeaders(nil, &r, "h", time.Now()))
	const want = "SignedHeaders=host;x-amz-content-sha256;x-amz-copy-source;x-amz-date,"
	if !strings.Contains(head, want) {
		t.Fatalf("%q lacks %q", head, want)
	}
}

func TestEscapesLikeSigV4(t *testing.T) {
	if got := escape("a/b c+~é", false); got != "a/b%20c%2B~%C3%A9" {
		t.Fatal(got)
	}
	if got := escape("a/b", true); got != "a%2Fb" {
		t.Fatal(got)
	}
}
