package archtest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/model/vendors"
	"github.com/elizad/elizad/server/settings"
)

// TestSettingsAreRead: a setting that is documented must have an effect.
func TestSettingsAreRead(t *testing.T) {
	t.Parallel()
	// Settings behind a method of config are read where the method is called.
	methods := map[string]string{
		"Network.Host": ".Network.Address(", "Network.Port": ".Network.Address(", "Storage.Dir": ".DataDir(",
		"Security.TrustProxy": ".Proxies(", "Security.AuthToken": ".RESTKeys(", "Security.SocketKey": ".SocketKeys(", "Security.Isolation": ".Validate(", "Security.AllowHosts": ".HostNames(", "Web.Enable": ".WebUI(", "Web.Disable": ".WebUI(",
		"Storage.AgentUploads": ".MediaDirs(", "Storage.ChannelUploads": ".MediaDirs(", "Storage.Generated": ".MediaDirs(",
		"Agents.Knowledge": ".KnowledgeDir(",
	}
	var all, edge strings.Builder
	for _, s := range sources(t) {
		if s.test || s.pkg == "server/settings" {
			continue
		}
		all.WriteString(s.text)
		if s.pkg == "server/internal/httpx" || s.pkg == "server/internal/auth/token" { // which are given a group, not all settings
			edge.WriteString(s.text)
		}
	}
	settings := reflect.TypeFor[settings.Settings]()
	for group := range settings.Fields() {
		for field := range group.Type.Fields() {
			name := group.Name + "." + field.Name
			use := "." + name
			if method, ok := methods[name]; ok {
				use = method
			}
			if !strings.Contains(all.String(), use) && !strings.Contains(edge.String(), "."+field.Name) {
				t.Errorf("nothing reads the setting %s", name)
			}
		}
	}
}

// TestAgentSettingsAreRead compares the names that agents may read from the environment with those they ask for.
func TestAgentSettingsAreRead(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, s := range settings.AgentSettings() {
		listed = append(listed, s.Names()...)
	}
	asked := map[string]bool{}
	for _, v := range vendors.Vendors() {
		for _, names := range [][]string{v.KeyFrom, v.URLFrom, v.SmallFrom, v.LargeFrom, v.SpeechSettings()} {
			for _, name := range names {
				asked[name] = true
				if !slices.Contains(listed, name) {
					t.Errorf("%s reads %s, which settings.AgentSettings doesn't list: the environment's value is never seen", v.Name, name)
				}
			}
		}
	}
	var readers strings.Builder
	for _, s := range sources(t) {
		if !s.test && (isBelow(s.pkg, "server/internal/runtime") || isBelow(s.pkg, "server/model") || s.pkg == "server") {
			readers.WriteString(s.text)
		}
	}
	for _, name := range listed {
		// Parameters are asked for by kind and name: TEXT_SMALL_ and TOP_P.
		last := name
		for _, prefix := range []string{"TEXT_SMALL_", "TEXT_LARGE_", "DEFAULT_"} {
			last = strings.TrimPrefix(last, prefix)
		}
		if !asked[name] && !strings.Contains(readers.String(), `"`+last+`"`) {
			t.Errorf("settings.AgentSettings lists %s, which nothing reads", name)
		}
	}
}
