package pgaddress

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// parseURL reads what comes behind the scheme: user:password@hosts/database?parameters.
//
// Passwords are pasted as they are, with characters that a URL has other uses for. So the user ends at the last @ behind
// which there is something that can be hosts, a database and parameters.
func parseURL(rest string) (*Address, error) {
	a := &Address{settings: map[string]string{}}
	userinfo, place := splitUser(withoutFragment(rest))
	if userinfo != "" {
		user, password, _ := strings.Cut(userinfo, ":")
		a.User, a.password = unescape(user), unescape(password)
		if isPlaceholder(a.password) || isPlaceholder(a.User) {
			return nil, errors.New("holds a placeholder in the place of the user or the password; write the real one")
		}
	}
	place, query, _ := strings.Cut(place, "?")
	hosts, database, _ := strings.Cut(place, "/")
	a.Database = unescape(database)
	if err := a.setHosts(hosts); err != nil {
		return nil, err
	}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if err := a.set(unescape(key), unescape(value)); err != nil {
			return nil, err
		}
	}
	return a, a.finish()
}

// location is what may follow the user: hosts with or without ports, a database, parameters.
var location = regexp.MustCompile(`^` + host + `(?:,` + host + `)*(?:/[^?/@]*)?(?:\?[^?]*)?$`)

const host = `(?:\[[0-9A-Fa-f:.%]+\]|[^\s/?#@:\[\],]*)(?::\d*)?`

// splitUser finds the end of the user and the password.
func splitUser(rest string) (userinfo, place string) {
	for at := len(rest); ; {
		at = strings.LastIndexByte(rest[:at], '@')
		if at < 0 {
			return "", rest
		}
		// An @ among the parameters is theirs, if what is before them makes sense without it.
		before, query, _ := strings.Cut(rest[:at], "?")
		if strings.Contains(query, "=") && location.MatchString(before[strings.LastIndexByte(before, '@')+1:]) {
			continue
		}
		if location.MatchString(rest[at+1:]) {
			return rest[:at], rest[at+1:]
		}
	}
}

// withoutFragment takes off a fragment, which means nothing in such an address. A # before the last @ belongs to the password.
func withoutFragment(rest string) string {
	at := strings.LastIndexByte(rest, '#')
	if at < 0 || at < strings.LastIndexByte(rest, '@') || strings.ContainsRune(rest[at:], '=') {
		return rest
	}
	return rest[:at]
}

// setHosts reads hosts with their ports.
func (a *Address) setHosts(list string) error {
	if list == "" {
		return nil
	}
	for one := range strings.SplitSeq(list, ",") {
		host, port := one, ""
		if end := strings.LastIndexByte(one, ']'); strings.HasPrefix(one, "[") && end > 0 {
			host, port = one[1:end], strings.TrimPrefix(one[end+1:], ":")
		} else if before, after, ok := strings.Cut(one, ":"); ok {
			host, port = before, after
		}
		if port != "" && !isPort(port) {
			// Not shown: where a password holds a slash, a part of it stands here.
			return fmt.Errorf("has no number from 1 to 65535 behind the host; write %s, and special characters of the password in percent form, such as %%2F for /", Example)
		}
		a.Hosts, a.Ports = append(a.Hosts, unescape(host)), append(a.Ports, port)
	}
	return nil
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n < 1<<16
}

// unescape decodes percent signs, and leaves a text as it is where they mean nothing.
func unescape(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}

// isPlaceholder knows what the pages of hosts show in the place of a password.
func isPlaceholder(text string) bool {
	if len(text) < 3 {
		return false
	}
	inner := strings.ToUpper(text[1 : len(text)-1])
	named := strings.Contains(inner, "PASSWORD") || strings.Contains(inner, "USER")
	switch text[0] {
	case '[':
		return text[len(text)-1] == ']' && named
	case '<':
		return text[len(text)-1] == '>'
	default:
		return false
	}
}

// parsePairs reads "key=value key='another value'".
func parsePairs(text string) (*Address, error) {
	a := &Address{settings: map[string]string{}}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest, ok := strings.Cut(text, "=")
		value, after := pairValue(strings.TrimLeft(rest, " \t"))
		if key = strings.TrimSpace(key); !ok || !word.MatchString(key) || strings.ContainsRune(value, ';') && !strings.HasPrefix(rest, "'") {
			return nil, notPostgres("") // among others, pairs with semicolons, as .NET has them
		}
		if err := a.set(key, value); err != nil {
			return nil, err
		}
		text = after
	}
	return a, a.finish()
}

var word = regexp.MustCompile(`^\w+$`)

// pairValue reads the value that text begins with, as libpq does: in single quotes or up to a space, with backslashes.
func pairValue(text string) (value, rest string) {
	var b strings.Builder
	quoted := strings.HasPrefix(text, "'")
	at := 0
	if quoted {
		at = 1
	}
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case c == '\\' && at+1 < len(text):
			at++
			b.WriteByte(text[at])
		case quoted && c == '\'':
			return b.String(), text[at+1:]
		case !quoted && (c == ' ' || c == '\t'):
			return b.String(), text[at:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
