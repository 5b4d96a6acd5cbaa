package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errProfile: it is not as profile.proto says.
var errProfile = errors.New("it is no profile")

// samplesBy counts the samples of a CPU profile by the value of a label; those without it are under the empty one. Of
// profile.proto it reads the samples (field 2) and the texts (6); of a sample its first value (2), which is how often it was met,
// and its labels (3), each with a key (1) and a text (2).
func samplesBy(zipped []byte, label string) (map[string]int64, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(unzip)
	if err != nil {
		return nil, err
	}
	var texts []string
	var samples [][]byte
	err = fields(data, func(number int, _ uint64, b []byte) error {
		switch number {
		case 2:
			samples = append(samples, b)
		case 6:
			texts = append(texts, string(b))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, b := range samples {
		count, value, err := sampleOf(b, texts, label)
		if err != nil {
			return nil, err
		}
		out[value] += count
	}
	return out, nil
}

// sampleOf is how often a sample was met, and the value of its label.
func sampleOf(b []byte, texts []string, label string) (count int64, value string, err error) {
	first := true
	err = fields(b, func(number int, n uint64, b []byte) error {
		switch {
		case number == 2 && first:
			first = false
			if b != nil { // they are packed
				n, _ = binary.Uvarint(b)
			}
			count = int64(n)
		case number == 3:
			var key, text uint64
			if err := fields(b, func(number int, n uint64, _ []byte) error {
				switch number {
				case 1:
					key = n
				case 2:
					text = n
				}
				return nil
			}); err != nil {
				return err
			}
			if max(key, text) >= uint64(len(texts)) {
				return fmt.Errorf("%w: a label has text %d of %d", errProfile, max(key, text), len(texts))
			}
			if texts[key] == label {
				value = texts[text]
			}
		}
		return nil
	})
	return count, value, err
}

// fields hands over the fields of a protobuf message: a number, or bytes that are not nil.
func fields(b []byte, take func(number int, n uint64, bytes []byte) error) error {
	for len(b) > 0 {
		tag, size := binary.Uvarint(b)
		if size <= 0 {
			return errProfile
		}
		b = b[size:]
		n, size := uint64(0), 0
		var part []byte
		switch tag & 7 {
		case 0:
			n, size = binary.Uvarint(b)
		case 1:
			size = 8
		case 2:
			var head int
			n, head = binary.Uvarint(b)
			if head <= 0 || n > uint64(len(b)-head) {
				return errProfile
			}
			size = head + int(n)
			part = b[head:size:size]
		case 5:
			size = 4
		}
		if size <= 0 || size > len(b) {
			return errProfile
		}
		b = b[size:]
		if err := take(int(tag>>3), n, part); err != nil {
			return err
		}
	}
	return nil
}
