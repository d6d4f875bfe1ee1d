package runtime

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/seal"
)

// secretChanges are new values of secrets by name; nil removes one.
type secretChanges map[string]*string

// splitSecrets takes the secrets out of a character: those that it calls so, of which the ones at the top win over those under
// settings of the same name, and those that are there by name.
func splitSecrets(c *agent.Character) secretChanges {
	changes := namedSecrets(c)
	if under, ok := c.Settings["secrets"].(map[string]any); ok {
		changes.add(under)
		c.Settings = maps.Clone(c.Settings)
		delete(c.Settings, "secrets")
	}
	changes.add(c.Secrets)
	c.Secrets = nil
	return changes
}

// add notes values as they come from a client. A mask says that the value stays as it is.
func (s secretChanges) add(values map[string]any) {
	for name, v := range values {
		if v == nil {
			s[name] = nil
			continue
		}
		if text, ok := scalar(v); ok && text != agent.SecretMask {
			s[name] = &text
		}
	}
}

// open reads the values that an ElizaOS server sealed with the given salt. One of another salt is refused with the code.
func (s secretChanges) open(salt string, code apierr.Code) error {
	for name, value := range s {
		if value == nil {
			continue
		}
		text, sealed, err := seal.OpenOriginal(salt, *value)
		if err != nil {
			return apierr.Wrap(err, code, "The secret %s was sealed by another server", name).
				WithDetails("Send it in plain text, or set SECRET_SALT to the salt of that server")
		}
		if sealed {
			s[name] = &text
		}
	}
	return nil
}

// apply returns the secrets after the changes.
func (s secretChanges) apply(secrets map[string]string) map[string]string {
	out := make(map[string]string, len(secrets)+len(s))
	maps.Copy(out, secrets)
	for name, value := range s {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = *value
	}
	return out
}

// given returns the names of the secrets that have a new value.
func (s secretChanges) given() map[string]bool {
	out := map[string]bool{}
	for name, value := range s {
		if value != nil {
			out[name] = true
		}
	}
	return out
}

// patchSecrets takes the changes of secrets out of a partial update of an agent with the given secrets. A null in place of
// all of them removes all.
func patchSecrets(patch map[string]json.RawMessage, current map[string]string) (secretChanges, error) {
	changes := secretChanges{}
	if raw, ok := patch["settings"]; ok {
		var under map[string]json.RawMessage
		if json.Unmarshal(raw, &under) == nil {
			for name, value := range under {
				if _, secret := current[name]; secret && string(value) == "null" {
					changes[name] = nil // it was found there by its name
				}
			}
			if err := changes.addPatch(under, "/settings/secrets", current); err != nil {
				return nil, err
			}
			rest, err := json.Marshal(under)
			if err != nil {
				return nil, err
			}
			patch["settings"] = rest
		}
	}
	if err := changes.addPatch(patch, "/secrets", current); err != nil {
		return nil, err
	}
	return changes, nil
}

// addPatch moves what is under "secrets" from a partial update into the changes.
func (s secretChanges) addPatch(patch map[string]json.RawMessage, path string, current map[string]string) error {
	raw, ok := patch["secrets"]
	if !ok {
		return nil
	}
	delete(patch, "secrets")
	if string(raw) == "null" {
		for name := range current {
			s[name] = nil
		}
		return nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return refused(path, "must be an object")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch v := values[name]; v[0] {
		case '{', '[':
			return refused(path+"/"+name, "must be a text, a boolean or a number")
		case '"':
			var text string
			if err := json.Unmarshal(v, &text); err != nil {
				return refused(path+"/"+name, "must be a text, a boolean or a number")
			}
			s.add(map[string]any{name: text})
		case 'n':
			s[name] = nil
		default:
			s.add(map[string]any{name: json.Number(v)})
		}
	}
	return nil
}

// refused is the error for one wrong value in a partial update.
func refused(path, reason string) error {
	return agent.Refuse(apierr.UpdateFailed, agent.Problem{Path: path, Reason: reason})
}
