package secrets

import (
	"slices"
	"strings"
	"unicode"
)

// Route says where settings send the secrets of one service.
type Route struct {
	Keys      []string // the settings that hold the secrets
	Addresses []string // the settings that decide where they go
	To        string   // where to; empty for where they are meant to go
}

// View is what matters of a set of settings for the ways of its secrets.
type View struct {
	Values map[string]string // by name; what is deeper by its JSON pointer
	Routes []Route           // those that are known
}

// Rerouted returns which of the names, of secrets in both views, the change from one view to the other would send to another
// place, sorted. Of known routes that can be said exactly. Of other settings that name a place, such as FOO_ENDPOINT, the
// secrets are taken for concerned that begin alike, FOO_TOKEN; of a name that says no more than "url", all.
func Rerouted(names []string, before, after View) []string {
	var out []string
	known := map[string]bool{}
	for i, r := range after.Routes {
		for _, name := range r.Addresses {
			known[name] = true
		}
		if r.To != "" && (i >= len(before.Routes) || before.Routes[i].To != r.To) {
			out = append(out, r.Keys...)
		}
	}
	for name, value := range after.Values {
		if known[name] || value == "" || before.Values[name] == value || !isPlace(name) {
			continue
		}
		about := subject(name)
		for _, secret := range names {
			if slices.Contains(anything, about) || subject(secret) == about {
				out = append(out, secret)
			}
		}
	}
	out = slices.DeleteFunc(out, func(name string) bool { return !slices.Contains(names, name) })
	slices.Sort(out)
	return slices.Compact(out)
}

// anything are first words that say nothing of the service.
var anything = []string{
	"", "api", "base", "endpoint", "gateway", "host", "hostname", "http", "https", "model", "origin", "port", "provider", "proxy",
	"remote", "server", "service", "uri", "url", "webhook",
}

// isPlace reports whether a name, or the last part of a pointer, is one of a setting that says where to connect.
func isPlace(name string) bool {
	all := words(name[strings.LastIndexByte(name, '/')+1:])
	for i, word := range all {
		for _, end := range []string{"url", "uri", "endpoint", "host", "hostname", "webhook", "proxy", "gateway"} {
			if strings.HasSuffix(word, end) {
				return true
			}
		}
		last := i == len(all)-1
		if last && slices.Contains([]string{"base", "server", "domain", "origin", "port", "provider", "rpc"}, word) {
			return true
		}
	}
	return false
}

// subject returns the first word of a name, or of the setting in which a pointer begins.
func subject(name string) string {
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		if _, inside, found := strings.Cut(rest, "/"); found {
			name, _, _ = strings.Cut(inside, "/")
		}
	}
	if all := words(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// words splits a name into its words, in lower case: FOO_API_URL, fooApiUrl, foo-api-url.
func words(name string) []string {
	var out []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = nil
		}
	}
	previous := rune(0)
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(previous):
			end()
			word = append(word, r)
		default:
			word = append(word, r)
		}
		previous = r
	}
	end()
	return out
}

// Dropped is the sentence about secrets that a change has removed; empty for none.
func Dropped(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "Removed, because this change would have sent them to another address: " + strings.Join(names, ", ") +
		". Send them again together with the address that they are for."
}
