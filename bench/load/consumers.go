package main

import "fmt"

// discard counts and forgets.
type discard struct{}

func (discard) consume([]byte) error { return nil }

// collect keeps the body: answers in XML.
type collect struct {
	body []byte
	max  int
}

func (c *collect) consume(piece []byte) error {
	if room := c.max - len(c.body); room < len(piece) {
		piece = piece[:room]
	}
	c.body = append(c.body, piece...)
	return nil
}

// compare checks that the body is the one that was written.
type compare struct {
	content pattern
	offset  int64
	checked int64
}

func (c *compare) consume(piece []byte) error {
	if !c.content.holds(piece, c.offset) {
		return fmt.Errorf("wrong byte at offset %d of the object", c.content.firstWrong(piece, c.offset))
	}
	c.offset += int64(len(piece))
	c.checked += int64(len(piece))
	return nil
}
