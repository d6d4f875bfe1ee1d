package parser_test

import (
	"testing"

	"github.com/elizad/elizad/server/socketio/parser"
)

// A message of the usual size in a chat.
var sample = []byte(`2["message",{"id":"0b9c9c1e-8a55-4b57-9a0c-6d7d8d2a3f11","channelId":"5f0c6f0a-5c0e-4a53-8f5e-0e8b8b3f2a10",` +
	`"senderName":"Ann","text":"The quick brown fox jumps over the lazy dog, and then does so again, as nobody was looking.",` +
	`"createdAt":1764000000000,"metadata":{"channelType":"DM","isDm":true,"tags":["a","b"]}}]`)

func BenchmarkDecodeEvent(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		p, err := parser.Decode(sample, limits)
		if err != nil {
			b.Fatal(err)
		}
		args, err := p.Args(limits)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parser.EventName(args[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeEvent(b *testing.B) {
	type message struct {
		ID         string `json:"id"`
		ChannelID  string `json:"channelId"`
		SenderName string `json:"senderName"`
		Text       string `json:"text"`
		CreatedAt  int64  `json:"createdAt"`
	}
	p := parser.Packet{Type: parser.Event, Namespace: "/"}
	args := []any{&message{
		ID: "0b9c9c1e-8a55-4b57-9a0c-6d7d8d2a3f11", ChannelID: "5f0c6f0a-5c0e-4a53-8f5e-0e8b8b3f2a10", SenderName: "Ann",
		Text: "The quick brown fox jumps over the lazy dog, and then does so again, as nobody was looking.", CreatedAt: 1764000000000,
	}}
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := parser.AppendEvent(p.Append(dst[:0]), "message", args); err != nil {
			b.Fatal(err)
		}
	}
}
