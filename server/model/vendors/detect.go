package vendors

import (
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// Detect finds the vendor that the settings ask for, in the order of agent runtime §17.3: services by their key, OpenAI
// also by its base URL alone, then local servers by theirs. The reason is a sentence for people: which setting decided,
// which keys were passed over and why, or that nothing was found. Local servers that no setting names are not looked for.
func Detect(lookup model.Lookup) (vendor Vendor, reason string, ok bool) {
	var passed []string
	for _, v := range Vendors() {
		key := v.key(lookup, v.address(lookup))
		passed = append(passed, key.passed()...)
		if key.Name != "" && !v.Local {
			return v, explain(key.Name+" is set", passed), true
		}
		if url := first(lookup, v.URLFrom); url.Name != "" && v.KeyOptional {
			return v, explain(url.Name+" is set", passed), true
		}
	}
	return Vendor{}, explain("no key and no address of a model is set", passed), false
}

// explain makes the reason's sentence.
func explain(reason string, passed []string) string {
	if len(passed) == 0 {
		return reason
	}
	return fmt.Sprintf("%s (%s)", reason, strings.Join(passed, "; "))
}

// address returns the base URL of v by settings. A service's own is as trusted as what is built in, wherever it is set. A
// local server has no such address: on its machine others listen, too, and naming it, or taking away the name of another, is
// choosing it.
func (v Vendor) address(lookup model.Lookup) model.Setting {
	url := first(lookup, v.URLFrom)
	if url.Name == "" {
		url = model.Setting{Value: v.BaseURL, Origin: model.FromOperator}
		for _, name := range v.URLFrom {
			if blank, ok := lookup(name); ok && v.Local && blank.Origin < url.Origin {
				url.Name, url.Origin = name, blank.Origin
			}
		}
		return url
	}
	url.Value = v.baseURL(url.Value)
	if v.own(url.Value) && !v.Local {
		url.Origin = model.FromOperator
	}
	return url
}

// Route says where the settings send the keys of a vendor.
type Route struct {
	Keys      []string // the settings that hold them
	Addresses []string // the settings that name the address
	To        string   // the address; empty for a service's own
}

// Routes returns the routes of all vendors. Keys stay where they are meant to be as long as no route changes.
func Routes(lookup model.Lookup) []Route {
	var out []Route
	for _, v := range Vendors() {
		r := Route{Keys: v.KeyFrom, Addresses: v.URLFrom}
		if address := v.address(lookup); v.Local || !v.own(address.Value) {
			r.To = address.Value
		}
		out = append(out, r)
	}
	return out
}

// key is the key of a vendor as the settings have it.
type key struct {
	model.Setting               // the one to use; without a name there is none
	placeholders  []string      // settings that hold a placeholder in its place
	withheld      model.Setting // a key that must not be sent to the address; without a name there is none
	address       model.Setting
}

// key returns the first key that is usable with an address.
func (v Vendor) key(lookup model.Lookup, address model.Setting) key {
	k := key{address: address}
	issued := !v.elsewhere(address.Value)
	for _, name := range v.KeyFrom {
		s := first(lookup, []string{name})
		switch {
		case s.Name == "":
		case isPlaceholder(s.Value, issued):
			k.placeholders = append(k.placeholders, name)
		case !s.MayCarry(address):
			if k.withheld.Name == "" {
				k.withheld = s
			}
		default:
			k.Setting = s
			return k
		}
	}
	return k
}

// passed says of each setting that was passed over why it was.
func (k key) passed() []string {
	var out []string
	if len(k.placeholders) > 0 {
		out = append(out, "ignored, because they hold placeholders: "+strings.Join(k.placeholders, ", "))
	}
	if k.withheld.Name != "" {
		out = append(out, k.reason())
	}
	return out
}

// missing says why there is no key.
func (k key) missing(name string) string {
	switch {
	case k.withheld.Name != "":
		return k.notice()
	case len(k.placeholders) > 0:
		return k.placeholders[0] + " holds a placeholder, not a key."
	default:
		return name + " is not set."
	}
}

// notice says which key is set and not used, and what to do; nothing when there is none.
func (k key) notice() string {
	if k.Name != "" || k.withheld.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s. Set %s, or take %s out of there.", k.reason(), k.wanted(), k.address.Name)
}

// reason says why the key is withheld.
func (k key) reason() string {
	return fmt.Sprintf("%s of %s is not used, because %s of %s leads to another address (%s), which may not have it",
		k.withheld.Name, k.withheld.Origin, k.address.Name, k.address.Origin, hostOf(k.address.Value))
}

// wanted names the key that the address may have; empty when no other is withheld.
func (k key) wanted() string {
	if k.withheld.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s in %s", k.withheld.Name, k.address.Origin)
}

// elsewhere reports whether a base URL leads away from the service's own address; a local server is always elsewhere.
func (v Vendor) elsewhere(baseURL string) bool { return v.Local || !v.own(baseURL) }

// isPlaceholder reports whether a key is one of the texts that examples and templates put where a key belongs. Keys of
// the form sk-… are long at the services that issue them; private servers use short ones of that form.
func isPlaceholder(key string, issued bool) bool {
	lower := strings.ToLower(key)
	for _, prefix := range []string{"your_", "your-", "<", "${", "changeme", "change_me", "change-me", "xxx", "insert", "replace", "todo"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	if strings.Contains(key, "...") || strings.Contains(key, "…") {
		return true
	}
	return issued && strings.HasPrefix(lower, "sk-") && len(key) < 20
}

// first returns the first of names that is set to something.
func first(lookup model.Lookup, names []string) model.Setting {
	for _, name := range names {
		if name == "" {
			continue
		}
		if s, ok := lookup(name); ok {
			if s.Value = strings.TrimSpace(s.Value); s.Value != "" {
				s.Name = name
				return s
			}
		}
	}
	return model.Setting{}
}
