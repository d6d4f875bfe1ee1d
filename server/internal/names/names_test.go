package names_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/elizad/elizad/server/internal/names"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ada Lovelace":              "Ada Lovelace",
		"":                          "",
		"  Ada\t\r\nLovelace ":      "Ada   Lovelace",
		"Ada\u2028Lovelace\u0085":   "Ada Lovelace",
		"report\u202egpj.exe":       "reportgpj.exe",
		"\u2066Ada\u2069\u200f":     "Ada",
		"A\x00d\x1b[31ma\x7f":       "Ad[31ma",
		"pay\u00adpal\ufeff\u2060":  "paypal",
		"\u200bAda\u180e":           "Ada",
		"Ada\U000e0041\U000e0042":   "Ada",
		"\u061cAda\u202a\u202c":     "Ada",
		"\u200d\u200c \u200d":       "",
		"not \xff UTF-8":            "not  UTF-8",
		"میان\u200cپرده":            "میان\u200cپرده",            // Persian: ZWNJ is spelling
		"ක්\u200dරි":                "ක්\u200dරි",                // Sinhala: ZWJ is spelling
		"👩\u200d💻 Dev":              "👩\u200d💻 Dev",              // a sequence
		"❤\ufe0f\u200d🔥":            "❤\ufe0f\u200d🔥",            // with a variation selector
		"👍🏽 🇩🇪 1\ufe0f\u20e3":       "👍🏽 🇩🇪 1\ufe0f\u20e3",       // skin tone, flag, keycap
		"葛\U000e0100":               "葛\U000e0100",               // ideographic variation
		"مرحبا עברית":               "مرحبا עברית",               // right to left by its letters
		"Zoë e\u0301":               "Zoë e\u0301",               // combining marks
		flag("gbsct") + " Scotland": flag("gbsct") + " Scotland", // tags in their place
		"🏴" + tags("hidden"):        "🏴",                         // never ended
		"x" + tags("hi") + cancel:   "x",                         // no flag
	} {
		if got := names.Clean(name); got != want {
			t.Errorf("%+q became %+q, want %+q", name, got, want)
		}
	}
}

const cancel = "\U000e007f"

func tags(text string) string {
	var out []rune
	for _, c := range text {
		out = append(out, 0xe0000+c)
	}
	return string(out)
}

func flag(region string) string { return "🏴" + tags(region) + cancel }

// No forbidden character gets through, alone or between others.
func TestNothingForbiddenGetsThrough(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == '\u200c' || r == '\u200d' {
			continue
		}
		for _, c := range names.Clean("a" + string(r) + "b") {
			if c == r {
				t.Errorf("%U is left", r)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Ada \u202e\U0001f3f4\U000e0067\U000e007f")
	f.Fuzz(func(t *testing.T, name string) {
		clean := names.Clean(name)
		if again := names.Clean(clean); again != clean {
			t.Errorf("%+q becomes %+q, and that %+q", name, clean, again)
		}
		if !utf8.ValidString(clean) || len(clean) > len(name) {
			t.Errorf("%+q becomes %+q", name, clean)
		}
	})
}

func TestPlainNamesCostNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { names.Clean("Ada Lovelace") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
