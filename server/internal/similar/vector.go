package similar

import (
	"encoding/binary"
	"math"
)

// Cosine returns how alike two vectors are: 1 for those of one direction, 0 for those that have nothing in common. Of vectors of
// different lengths, and where one is 0, it is 0.
func Cosine(a, b []float32) float64 {
	if len(a) != len(b) {
		return 0
	}
	var product, squareA, squareB float64
	for i, x := range a {
		y := b[i]
		product += float64(x) * float64(y)
		squareA += float64(x) * float64(x)
		squareB += float64(y) * float64(y)
	}
	if squareA == 0 || squareB == 0 {
		return 0
	}
	return product / math.Sqrt(squareA*squareB)
}

// Encode returns a vector as it is stored: 32-bit floats, little-endian. For an empty one it is nil.
func Encode(v []float32) []byte {
	if len(v) == 0 {
		return nil
	}
	out := make([]byte, 0, floatSize*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

// Decode returns a vector that was stored; nil if it is empty. It ignores bytes at the end that make no float.
func Decode(stored []byte) []float32 {
	if len(stored) < floatSize {
		return nil
	}
	out := make([]float32, 0, len(stored)/floatSize)
	for ; len(stored) >= floatSize; stored = stored[floatSize:] {
		out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(stored)))
	}
	return out
}

const floatSize = 4
