package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

// payloads are the ways in which a PUT vouches for its body. Each is computed before the request is sent.
var payloads = map[string]func(w *worker, r *request){
	"unsigned":  func(*worker, *request) {},
	"sha256":    signPayload,
	"crc32":     addCrc32,
	"crc64nvme": addCrc64,
}

// The NVMe polynomial, reflected, as hash/crc64 wants it. Its Update inverts before and after, as the NVMe CRC does.
var crc64Table = crc64.MakeTable(0x9A6C9329AC4BC9B5)

func signPayload(w *worker, r *request) {
	sum := sha256.New()
	w.hashContent(sum, r)
	r.payloadHash = hex.EncodeToString(sum.Sum(nil))
}

func addCrc32(w *worker, r *request) {
	sum := crc32.NewIEEE()
	w.hashContent(sum, r)
	var raw [4]byte
	binary.BigEndian.PutUint32(raw[:], sum.Sum32())
	r.amz = append(r.amz, header{"x-amz-checksum-crc32", base64.StdEncoding.EncodeToString(raw[:])})
}

func addCrc64(w *worker, r *request) {
	sum := crc64.New(crc64Table)
	w.hashContent(sum, r)
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], sum.Sum64())
	r.amz = append(r.amz, header{"x-amz-checksum-crc64nvme", base64.StdEncoding.EncodeToString(raw[:])})
}

// hashContent runs the generated body through a hash, in the send buffer.
func (w *worker) hashContent(sum hash.Hash, r *request) {
	if cap(w.out) < sendBytes {
		w.out = make([]byte, 0, sendBytes)
	}
	buffer := w.out[:sendBytes]
	for done := int64(0); done < r.size; {
		piece := buffer
		if left := r.size - done; int64(len(piece)) > left {
			piece = piece[:left]
		}
		r.content.fill(piece, r.offset+done)
		sum.Write(piece)
		done += int64(len(piece))
	}
}
