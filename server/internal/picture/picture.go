// Package picture makes pictures fit for models that see.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that are read
	"image/jpeg"
	_ "image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

const (
	// MaxSize is how many bytes a picture has that is handed to a model; the strictest vendor takes 5 MB after encoding it.
	MaxSize = 3_500_000

	maxSide   = 1568       // pixels to which larger pictures are scaled, as models do it anyway
	maxPixels = 64_000_000 // of a picture that is unpacked; each takes 4 bytes
	quality   = 85
)

// ErrTooLarge is the error of a picture that would take too much memory.
var ErrTooLarge = errors.New("the picture is too large")

// Fit returns a picture, in a format that models take, with at most [MaxSize] bytes, and its media type. One that fits is
// returned as it is.
func Fit(data []byte) (fitting []byte, mediaType string, err error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, "", fmt.Errorf("reading the picture: %w", err)
	}
	if len(data) <= MaxSize && max(config.Width, config.Height) <= 4*maxSide {
		return data, "image/" + format, nil
	}
	if config.Width*config.Height > maxPixels || config.Width <= 0 || config.Height <= 0 {
		return nil, "", ErrTooLarge
	}
	whole, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, "", fmt.Errorf("reading the picture: %w", err)
	}
	scaled := scale(whole)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, scaled, &jpeg.Options{Quality: quality}); err != nil {
		return nil, "", fmt.Errorf("writing the picture: %w", err)
	}
	return out.Bytes(), "image/jpeg", nil
}

// scale returns a picture on white whose longer side has at most maxSide pixels.
func scale(whole image.Image) image.Image {
	size := whole.Bounds().Size()
	if longer := max(size.X, size.Y); longer > maxSide {
		size.X, size.Y = max(1, size.X*maxSide/longer), max(1, size.Y*maxSide/longer)
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(out, out.Bounds(), whole, whole.Bounds(), draw.Over, nil)
	return out
}
