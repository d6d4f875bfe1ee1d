package rest

import (
	"bytes"
	"fmt"

	yaml "github.com/oasdiff/yaml3"
)

// expandYAML returns a document without anchors, aliases and merge keys, otherwise as it is written: in its order, with its
// comments. It reads it as the reader of the contract does.
func expandYAML(text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the contract: %w", err)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(expanded(&doc)); err != nil {
		return nil, fmt.Errorf("encoding the contract: %w", err)
	}
	return b.Bytes(), nil
}

// expanded returns a copy of a node that refers to no other.
func expanded(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return expanded(n.Alias)
	}
	flat := *n
	flat.Anchor, flat.Content = "", nil
	if n.Kind != yaml.MappingNode {
		for _, part := range n.Content {
			flat.Content = append(flat.Content, expanded(part))
		}
		return &flat
	}
	own := map[string]bool{} // what is written here hides what is merged
	for i := 0; i < len(n.Content); i += 2 {
		own[n.Content[i].Value] = true
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], expanded(n.Content[i+1])
		if key.Tag != "!!merge" {
			flat.Content = append(flat.Content, expanded(key), value)
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, source := range sources { // of which the first wins
			for j := 0; j < len(source.Content); j += 2 {
				if name := source.Content[j].Value; !own[name] {
					own[name] = true
					flat.Content = append(flat.Content, source.Content[j], source.Content[j+1])
				}
			}
		}
	}
	return &flat
}
