package main

import "encoding/binary"

// pattern is the body of one object, computed from a seed and the key: the 64-bit little-endian word number i is
// start + i*step. Cheap to write and to check (an addition and a comparison for eight bytes), different for every key and
// every seed, and no two words of a body are equal, so bytes from elsewhere do not fit.
type pattern struct {
	start uint64
}

const (
	// step is odd, so that words repeat only after 2^64 of them, and changes all eight bytes: 2^64 by the golden ratio.
	step uint64 = 0x9E3779B97F4A7C15
	// Four words at a time halve the cost of a loop over single ones. Constants may not wrap, so they are spelled out.
	step2 uint64 = 0x3C6EF372FE94F82A
	step3 uint64 = 0xDAA66D2C7DDF743F
	step4 uint64 = 0x78DDE6E5FD29F054

	wordBytes  = 8
	blockBytes = 4 * wordBytes
)

func newPattern(seed uint64, key string) pattern {
	return pattern{start: mix(hashKey(key) ^ mix(seed))}
}

// hashKey is FNV-1a.
func hashKey(key string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := 0; i < len(key); i++ {
		h = (h ^ uint64(key[i])) * 0x100000001b3
	}
	return h
}

// mix is the finaliser of splitmix64: a bijection that spreads every input bit over the output.
func mix(x uint64) uint64 {
	x += step
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (p pattern) word(index int64) uint64 { return p.start + uint64(index)*step }

func (p pattern) byteAt(offset int64) byte {
	return byte(p.word(offset/wordBytes) >> (8 * uint(offset%wordBytes)))
}

// untilWord says how many of count bytes at offset come before the first whole word.
func untilWord(offset int64, count int) int {
	head := int(-offset & (wordBytes - 1))
	if head > count {
		return count
	}
	return head
}

// fill writes the bytes of the body from offset on.
func (p pattern) fill(out []byte, offset int64) {
	head := untilWord(offset, len(out))
	for i := range out[:head] {
		out[i] = p.byteAt(offset + int64(i))
	}
	out, offset = out[head:], offset+int64(head)

	word := p.word(offset / wordBytes)
	offset += int64(len(out) &^ (wordBytes - 1))
	for ; len(out) >= blockBytes; out = out[blockBytes:] {
		block := out[:blockBytes]
		binary.LittleEndian.PutUint64(block, word)
		binary.LittleEndian.PutUint64(block[8:], word+step)
		binary.LittleEndian.PutUint64(block[16:], word+step2)
		binary.LittleEndian.PutUint64(block[24:], word+step3)
		word += step4
	}
	for ; len(out) >= wordBytes; out = out[wordBytes:] {
		binary.LittleEndian.PutUint64(out, word)
		word += step
	}
	for i := range out {
		out[i] = p.byteAt(offset + int64(i))
	}
}

// holds says whether these are the bytes of the body from offset on.
func (p pattern) holds(in []byte, offset int64) bool {
	var differs uint64
	head := untilWord(offset, len(in))
	for i := range in[:head] {
		differs |= uint64(in[i] ^ p.byteAt(offset+int64(i)))
	}
	in, offset = in[head:], offset+int64(head)

	word := p.word(offset / wordBytes)
	offset += int64(len(in) &^ (wordBytes - 1))
	for ; len(in) >= blockBytes; in = in[blockBytes:] {
		block := in[:blockBytes]
		differs |= binary.LittleEndian.Uint64(block) ^ word
		differs |= binary.LittleEndian.Uint64(block[8:]) ^ (word + step)
		differs |= binary.LittleEndian.Uint64(block[16:]) ^ (word + step2)
		differs |= binary.LittleEndian.Uint64(block[24:]) ^ (word + step3)
		word += step4
	}
	for ; len(in) >= wordBytes; in = in[wordBytes:] {
		differs |= binary.LittleEndian.Uint64(in) ^ word
		word += step
	}
	for i := range in {
		differs |= uint64(in[i] ^ p.byteAt(offset+int64(i)))
	}
	return differs == 0
}

// firstWrong is the offset of the first byte that is not the body's, for the message; -1 if all are.
func (p pattern) firstWrong(in []byte, offset int64) int64 {
	for i := range in {
		if in[i] != p.byteAt(offset+int64(i)) {
			return offset + int64(i)
		}
	}
	return -1
}
