package picture_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/elizad/elizad/server/internal/picture"
)

func TestFit(t *testing.T) {
	small := encode(t, image.NewRGBA(image.Rect(0, 0, 10, 10)))
	if got, kind, err := picture.Fit(small); err != nil || kind != "image/png" || !bytes.Equal(got, small) {
		t.Errorf("a small one became %d bytes of %s, %v", len(got), kind, err)
	}
	noise := image.NewRGBA(image.Rect(0, 0, 2000, 1000))
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise.Pix)
	for name, large := range map[string][]byte{"bytes": encode(t, noise), "pixels": encode(t, image.NewGray(image.Rect(0, 0, 20_000, 100)))} {
		got, kind, err := picture.Fit(large)
		if err != nil || kind != "image/jpeg" || len(got) > picture.MaxSize {
			t.Fatalf("%s: %d bytes became %d bytes of %s, %v", name, len(large), len(got), kind, err)
		}
		c, _, err := image.DecodeConfig(bytes.NewReader(got))
		if err != nil || c.Width != 1568 {
			t.Errorf("%s: it is %d wide, %v", name, c.Width, err)
		}
	}
}

// What shines through shows white, as on a page, and not black.
func TestFitOnWhite(t *testing.T) {
	got, _, err := picture.Fit(encode(t, image.NewNRGBA(image.Rect(0, 0, 7000, 10))))
	if err != nil {
		t.Fatal(err)
	}
	decoded, _, err := image.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if c := color.GrayModel.Convert(decoded.At(5, 1)).(color.Gray); c.Y < 250 {
		t.Errorf("the background is %d", c.Y)
	}
}

func TestFitRefuses(t *testing.T) {
	huge := encode(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	copy(huge[16:24], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // 65536 × 65536
	sum := crc32.ChecksumIEEE(huge[12:29])
	copy(huge[29:33], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	if _, _, err := picture.Fit(huge); !errors.Is(err, picture.ErrTooLarge) {
		t.Errorf("a huge one: %v", err)
	}
	half := encode(t, image.NewRGBA(image.Rect(0, 0, 9000, 10)))
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "half": half[:len(half)/2]} {
		if got, _, err := picture.Fit(data); err == nil {
			t.Errorf("%s became %d bytes", name, len(got))
		}
	}
}

func TestFitWebP(t *testing.T) {
	pixel, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	if got, kind, err := picture.Fit(pixel); err != nil || kind != "image/webp" || !bytes.Equal(got, pixel) {
		t.Errorf("got %d bytes of %s, %v", len(got), kind, err)
	}
}

func encode(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
