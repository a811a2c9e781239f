package main

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// listAll reads a whole listing. The latencies are those of its pages.
func listAll(w *worker, _ int64) error {
	token := ""
	for {
		begin := time.Now()
		r := &request{method: "GET", path: "/" + w.o.bucket, query: w.listQuery(token), payloadHash: emptySha256}
		page, _, err := w.exchangeXML(r)
		if err != nil {
			return err
		}
		w.tally.latencies = append(w.tally.latencies, time.Since(begin).Nanoseconds())
		w.tally.bytes += int64(len(page))
		w.tally.keys += int64(bytes.Count(page, []byte("<Key>")) + bytes.Count(page, []byte("<CommonPrefixes>")))
		if !bytes.Contains(page, []byte("<IsTruncated>true<")) {
			return nil
		}
		if token = unescapeXML(between(page, "<NextContinuationToken>", "</NextContinuationToken>")); token == "" {
			return errors.New("a truncated page without a token")
		}
	}
}

// listQuery has its parameters in ascending order, as the signature wants them.
func (w *worker) listQuery(token string) string {
	var q strings.Builder
	if token != "" {
		q.WriteString("continuation-token=" + escape(token, true) + "&")
	}
	if w.o.delimiter != "" {
		q.WriteString("delimiter=" + escape(w.o.delimiter, true) + "&")
	}
	q.WriteString("list-type=2&max-keys=" + strconv.Itoa(w.o.maxKeys) + "&prefix=" + escape(w.o.prefix, true))
	return q.String()
}

// deleteBatch removes the next max-keys objects by one request.
func deleteBatch(w *worker, i int64) error {
	var x bytes.Buffer
	x.WriteString("<Delete><Quiet>true</Quiet>")
	first := i * int64(w.o.maxKeys)
	keys := int64(0)
	for ; keys < int64(w.o.maxKeys) && first+keys < w.o.objects; keys++ {
		x.WriteString("<Object><Key>" + keyName(w.o.prefix, w.o.base+first+keys) + "</Key></Object>")
	}
	x.WriteString("</Delete>")
	sum := md5.Sum(x.Bytes())
	r := &request{method: "POST", path: "/" + w.o.bucket, query: "delete=", payloadHash: unsignedPayload, body: x.Bytes(),
		plain: []header{{"Content-MD5", base64.StdEncoding.EncodeToString(sum[:])}}}
	answer, _, err := w.exchangeXML(r)
	if err == nil && bytes.Contains(answer, []byte("<Error>")) {
		err = fmt.Errorf("delete-batch: %s", w.message())
	}
	if err == nil {
		w.tally.keys += keys
	}
	return err
}

// putMultipart uploads one object in parts, one after another.
func putMultipart(w *worker, i int64) error {
	key := keyName(w.o.prefix, w.o.base+i)
	path := w.objectPath(key)
	body, _, err := w.exchangeXML(&request{method: "POST", path: path, query: "uploads=", payloadHash: emptySha256})
	if err != nil {
		return err
	}
	upload := escape(between(body, "<UploadId>", "</UploadId>"), true)
	if upload == "" {
		return errors.New("multipart: no upload id")
	}
	var x bytes.Buffer
	x.WriteString("<CompleteMultipartUpload>")
	for number, offset := 1, int64(0); offset < w.o.size; number++ {
		size := w.o.part
		if left := w.o.size - offset; size > left {
			size = left
		}
		query := "partNumber=" + strconv.Itoa(number) + "&uploadId=" + upload
		answer, _, err := w.exchange(w.putRequest(key, query, offset, size), discard{})
		if err != nil {
			return err
		}
		fmt.Fprintf(&x, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number,
			strings.ReplaceAll(string(answer.etag), `"`, "&quot;"))
		offset += size
	}
	x.WriteString("</CompleteMultipartUpload>")
	complete := &request{method: "POST", path: path, query: "uploadId=" + upload, payloadHash: unsignedPayload, body: x.Bytes()}
	answer, _, err := w.exchangeXML(complete)
	if err == nil && !bytes.Contains(answer, []byte("<ETag>")) { // It may fail after its 200.
		err = fmt.Errorf("complete: %s", w.message())
	}
	if err == nil {
		w.tally.bytes += w.o.size
	}
	return err
}

func between(text []byte, begin, end string) string {
	from := bytes.Index(text, []byte(begin))
	if from < 0 {
		return ""
	}
	text = text[from+len(begin):]
	to := bytes.Index(text, []byte(end))
	if to < 0 {
		return ""
	}
	return string(text[:to])
}

var xmlEntities = strings.NewReplacer("&#34;", `"`, "&quot;", `"`, "&amp;", "&", "&#39;", "'", "&apos;", "'",
	"&lt;", "<", "&gt;", ">", "&#x2B;", "+", "&#43;", "+")

func unescapeXML(text string) string { return xmlEntities.Replace(text) }
