package main

import (
	"bytes"
	"testing"
)

func TestStepsAreMultiplesOfOneStep(t *testing.T) {
	one := step
	if step2 != one+one || step3 != one+one+one || step4 != one+one+one+one {
		t.Fatal("the spelled out multiples are wrong")
	}
}

func TestFillAgreesWithByteAtEveryOffsetAndLength(t *testing.T) {
	p := newPattern(7, "a/b")
	for offset := int64(0); offset < 20; offset++ {
		for length := 0; length < 100; length++ {
			out := make([]byte, length)
			p.fill(out, offset)
			for i, b := range out {
				if b != p.byteAt(offset+int64(i)) {
					t.Fatalf("offset %d length %d: byte %d differs", offset, length, i)
				}
			}
			if !p.holds(out, offset) || p.firstWrong(out, offset) != -1 {
				t.Fatalf("offset %d length %d: own bytes refused", offset, length)
			}
		}
	}
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	p := newPattern(7, "a/b")
	for offset := int64(0); offset < 9; offset++ {
		body := make([]byte, 77)
		p.fill(body, offset)
		for bit := 0; bit < 8*len(body); bit++ {
			body[bit/8] ^= 1 << (bit % 8)
			if p.holds(body, offset) {
				t.Fatalf("offset %d: flipped bit %d passes", offset, bit)
			}
			if got := p.firstWrong(body, offset); got != offset+int64(bit/8) {
				t.Fatalf("offset %d: flipped bit %d reported at %d", offset, bit, got)
			}
			body[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestBytesOfAnotherPlaceSeedOrKeyAreRefused(t *testing.T) {
	p := newPattern(1, "key")
	body := make([]byte, 4096)
	p.fill(body, 0)
	for shift := int64(1); shift < 5000; shift++ {
		if p.holds(body, shift) {
			t.Fatalf("bytes of offset 0 pass at offset %d", shift)
		}
	}
	if newPattern(2, "key").holds(body, 0) || newPattern(1, "kez").holds(body, 0) {
		t.Fatal("bytes of another seed or key pass")
	}
}

func TestPiecesOfAnySizeMakeTheSameBody(t *testing.T) {
	p := newPattern(3, "k")
	whole := make([]byte, 1000)
	p.fill(whole, 0)
	for size := 1; size < 50; size++ {
		pieces := make([]byte, len(whole))
		for at := 0; at < len(pieces); at += size {
			end := at + size
			if end > len(pieces) {
				end = len(pieces)
			}
			p.fill(pieces[at:end], int64(at))
			if !p.holds(whole[at:end], int64(at)) {
				t.Fatalf("piece at %d of size %d refused", at, size)
			}
		}
		if !bytes.Equal(pieces, whole) {
			t.Fatalf("pieces of %d differ", size)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	p, body := newPattern(1, "k"), make([]byte, 256<<10)
	b.SetBytes(int64(len(body)))
	for i := 0; i < b.N; i++ {
		p.fill(body, 0)
	}
}

func BenchmarkHolds(b *testing.B) {
	p, body := newPattern(1, "k"), make([]byte, 256<<10)
	p.fill(body, 0)
	b.SetBytes(int64(len(body)))
	for i := 0; i < b.N; i++ {
		if !p.holds(body, 0) {
			b.Fatal("refused")
		}
	}
}
