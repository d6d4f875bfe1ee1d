package model

// Origin is where a setting was set. A greater one is more trusted.
type Origin int

// The origins of settings.
const (
	FromCharacter Origin = iota + 1 // a character, which callers of the API write
	FromStore                       // the settings that the server keeps for its owner, changed over the API
	FromOperator                    // the environment that the server was started with; also what is built in
)

// String names the place of the setting.
func (o Origin) String() string {
	switch o {
	case FromCharacter:
		return "the character"
	case FromStore:
		return "the stored settings"
	default:
		return "the environment"
	}
}

// Setting is a setting that is set.
type Setting struct {
	Name   string
	Value  string
	Origin Origin
}

// Lookup returns a setting, and whether it is set.
type Lookup func(name string) (Setting, bool)

// MayCarry reports whether a key may be sent to an address: only one that comes from the same origin as the key or a more
// trusted one. Otherwise a party that may write the address could have the key of those who trust it less.
func (key Setting) MayCarry(address Setting) bool { return key.Origin <= address.Origin }
