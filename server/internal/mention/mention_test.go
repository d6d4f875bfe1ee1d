package mention_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/mention"
)

func TestIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		called     bool
	}{
		// Scripts with spaces.
		{"Bob", "Bob, how are you?", true}, {"Bob", "hey BOB", true}, {"Bob", "@bob hi", true}, {"Bob", "(bob)", true}, {"Bob", "Bob's hat", true},
		{"Bob", "Bobby, how are you?", false}, {"Bob", "a bobsleigh", false}, {"Bob", "kebob", false}, {"Bob", "bob_smith", false}, {"Bob", "bob2", false},
		{"Bob", "write to bob@example.org", false}, {"Bob", "bob@ home", true}, {"Bob", "Bob\u0308 is another", false}, {"Bob", "", false}, {"", "anything", false},
		{"Ada Lovelace", "ada  lovelace!", true}, {"Ada Lovelace", "adalovelace", false}, {"Анна", "анна, привет", true}, {"Анна", "Аннабель", false},
		{"Ελένη", "ΕΛΈΝΗ;", true}, {"Straße", "STRASSE?", true}, {"אדם", "שלום אדם", true}, {"علي", "مرحبا علي", true}, {"राम", "राम, नमस्ते", true}, {"राम", "रामायण", false},
		{"Ada", "adadada Ada", true}, {"Ада", "сказала ада.", true}, {"Ад", "Ада́м", false}, {"aa", "aaaa", false}, {"Ada Lovelace", "tell Ada Lovelace that", true},
		{"adada", strings.Repeat("ada", 100_000), false},
		// Widths and compositions.
		{"Zoë", "Zoe\u0308, hello", true}, {"Zoe\u0308", "zoë", true}, {"Bob", "Ｂｏｂ、こんにちは", true}, {"Bob", "＠ｂｏｂ", true}, {"ボブ", "ﾎﾞﾌﾞ!", true},
		{"Bob", "B\u200bob?", true}, {"Jalapeño", "JALAPEN\u0303O", true},
		// Chinese and Japanese.
		{"小爱", "小爱你好", true}, {"小爱", "你好小爱，今天怎么样？", true}, {"小爱", "我想问小爱一个问题", true}, {"小爱", "你好", false}, {"Bob", "Bob你好", true}, {"Bob", "你好Bob你好", true},
		{"Bob", "Bobby你好", false}, {"Bob", "你好Bob2号", false}, {"爱", "我爱你", false}, {"爱", "爱，你好", true}, {"爱", "@爱 你好", true},
		{"ボブ", "ボブさん、こんにちは", true}, {"ボブ", "こんにちはボブ", true}, {"ボブ", "ボブスレーが好き", false}, {"ボブ", "ボブー", false}, {"さくら", "さくらちゃん元気？", true},
		{"花子", "花子さんはどこ", true}, {"山田 太郎", "山田太郎さん", true}, {"山田 太郎", "山田 太郎さん", true}, {"エリザ", "ねえエリザ、聞いて", true}, {"Eliza", "Elizaさん", true},
		{"さくら", "ねえさくら、元気？", true}, {"さくら", "こんにちはさくらさん", true}, {"さくら", "さくらは元気", true}, {"さくら", "さくらはどこ", true}, {"まり", "まりもは緑", false}, {"さくら", "花とさくら", true},
		{"さくら", "さくらんぼが好き", false}, {"くら", "さくらが咲いた", false}, {"はな", "はなしを聞いて", false}, {"はな", "はなって誰？", true}, {"みき", "みきちゃんどう思う？", true},
		// Thai, Lao, Khmer, Burmese.
		{"มานี", "สวัสดีมานี", true}, {"มานี", "มานีอยู่ไหน", true}, {"บ๊อบ", "บ๊อบสบายดีไหม", true}, {"กา", "กาำ", false}, {"นา", "เนา", false}, {"มาน", "มานี", false}, {"ไม", "ไม้สวยมาก", false}, {"ไม", "สวัสดีไม", true},
		{"Bob", "สวัสดีBobครับ", true}, {"ຄຳ", "ສະບາຍດີຄຳ", true}, {"សុខា", "សួស្តីសុខា", true}, {"សុខ", "សុខា", false}, {"မောင်", "မင်္ဂလာပါမောင်မောင်", true},
		{"အေး", "အေးဘယ်မှာလဲ", true}, {"မ", "မင်္ဂလာပါ", false},
		// Korean.
		{"민수", "민수야 안녕", true}, {"민수", "민수는 어디 있어?", true}, {"민수", "민수씨는요?", true}, {"민수", "민수씨, 안녕하세요", true}, {"민수", "민수 씨", true}, {"민수", "민수님께", true},
		{"민수", "민수기", false}, {"민수", "김민수", false}, {"밥", "밥아!", true}, {"밥", "밥상을 차려", false}, {"Bob", "Bob아 안녕", true}, {"Bob", "안녕Bob", true}, {"은정", "은정이가 왔어", true},
	} {
		if got := mention.In(tt.text, tt.name); got != tt.called {
			t.Errorf("%q in %q: %v, want %v", tt.name, tt.text, got, tt.called)
		}
	}
	if !mention.In("hey ada", "Bob", "Ada") {
		t.Error("the second name is not found")
	}
}

func TestBegins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		first      bool
	}{
		{"Bob", "Bob, what do you say?", true}, {"Bob", " @bob: hi", true}, {"Bob", "Hey Bob", false}, {"Bob", "Bobby, hi", false}, {"小爱", "小爱你好", true}, {"小爱", "你好小爱", false},
		{"민수", "민수야 안녕", true}, {"", "x", false},
	} {
		if got := mention.Begins(tt.text, tt.name); got != tt.first {
			t.Errorf("%q begins with %q: %v, want %v", tt.text, tt.name, got, tt.first)
		}
	}
}

func FuzzIn(f *testing.F) {
	f.Add("小爱你好", "小爱")
	f.Add("Bob\u0308", "b")
	f.Add("\xff\u0e40", "\xff")
	f.Fuzz(func(t *testing.T, text, name string) {
		if mention.Begins(text, name) && !mention.In(text, name) {
			t.Errorf("%q begins with %q and doesn't hold it", text, name)
		}
		// A name alone is always a mention, unless it has no visible characters.
		if mention.In(text, text) != mention.In(" "+text+" ", text) {
			t.Errorf("%q doesn't call itself in the same way between spaces", text)
		}
	})
}

func BenchmarkIn(b *testing.B) {
	text := "Well, I was thinking about what you said yesterday, and I'm not sure that anybody would agree with it. 你怎么看？"
	for b.Loop() {
		mention.In(text, "Eliza", "eliza_bot")
	}
}
