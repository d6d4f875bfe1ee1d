package doctor

import (
	"math"
	"strconv"
	"strings"
)

// arithmetic answers a plain expression with its value (rule 13).
func (t *talk) arithmetic() (reply, bool) {
	if len(t.text) > 200 {
		return reply{}, false
	}
	expression, asked := expressionIn(t.text)
	p := calculation{rest: operators.Replace(expression)}
	value := p.sum(0)
	if p.failed || strings.TrimSpace(p.rest) != "" || p.operators == 0 || !asked && p.tight {
		return reply{}, false
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return t.line("arithmetic.undefined", nil)
	}
	return t.line("arithmetic", vars{"expression": strings.Join(strings.Fields(expression), " "), "value": number(value)})
}

// expressionIn strips the words of a question from an expression. Asked reports whether there were any: "555-1234" alone is
// hardly a sum.
func expressionIn(text string) (expression string, asked bool) {
	expression = strings.ToLower(strings.Trim(text, " .!?\n"))
	for _, words := range []string{"and ", "okay ", "ok ", "so ", "please ", "hey ", "what is ", "what's ", "whats ", "how much is ", "calculate ", "compute ", "solve ", "tell me "} {
		if rest, ok := strings.CutPrefix(expression, words); ok {
			expression, asked = rest, true
		}
	}
	if rest, ok := strings.CutSuffix(expression, "="); ok {
		expression, asked = rest, true
	}
	return strings.TrimSuffix(strings.TrimSpace(expression), " please"), asked
}

// operators turns the names of operators into signs.
var operators = strings.NewReplacer(" plus ", " + ", " minus ", " - ", " times ", " * ", " multiplied by ", " * ", " divided by ", " / ",
	" over ", " / ", " to the power of ", " ^ ", " x ", " * ", "×", "*", "÷", "/", "−", "-", "**", "^", "·", "*", " mod ", " % ",
	"% of ", "/100*", " percent of ", "/100*")

// calculation reads an expression from left to right.
type calculation struct {
	rest      string
	operators int
	tight     bool // every operator is a dash or slash without space around it, as in dates and telephone numbers
	failed    bool
}

// maxDepth bounds the nesting of an expression.
const maxDepth = 50

func (c *calculation) sum(depth int) float64 {
	value := c.product(depth)
	for !c.failed {
		switch c.operator("+-") {
		case '+':
			value += c.product(depth)
		case '-':
			value -= c.product(depth)
		default:
			return value
		}
	}
	return value
}

func (c *calculation) product(depth int) float64 {
	value := c.power(depth)
	for !c.failed {
		switch c.operator("*/%") {
		case '*':
			value *= c.power(depth)
		case '/':
			value /= c.power(depth)
		case '%':
			value = math.Mod(value, c.power(depth))
		default:
			return value
		}
	}
	return value
}

func (c *calculation) power(depth int) float64 {
	base := c.atom(depth)
	if !c.failed && c.operator("^") != 0 {
		if depth++; depth > maxDepth {
			c.failed = true
			return 0
		}
		return math.Pow(base, c.power(depth))
	}
	return base
}

// atom reads a number, a sign before one, or a parenthesis.
func (c *calculation) atom(depth int) float64 {
	c.rest = strings.TrimLeft(c.rest, " ")
	if depth++; depth > maxDepth || c.rest == "" {
		c.failed = true
		return 0
	}
	switch c.rest[0] {
	case '-':
		c.rest = c.rest[1:]
		return -c.power(depth)
	case '(':
		c.rest = c.rest[1:]
		value := c.sum(depth)
		c.rest = strings.TrimLeft(c.rest, " ")
		if !strings.HasPrefix(c.rest, ")") {
			c.failed = true
			return 0
		}
		c.rest = c.rest[1:]
		return value
	}
	end := 0
	for end < len(c.rest) && strings.IndexByte("0123456789.,", c.rest[end]) >= 0 {
		end++
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(c.rest[:end], ",", ""), 64)
	if err != nil {
		c.failed = true
	}
	c.rest = c.rest[end:]
	return value
}

// operator takes one of signs from the expression; zero when none comes next.
func (c *calculation) operator(signs string) byte {
	trimmed := strings.TrimLeft(c.rest, " ")
	if trimmed == "" || strings.IndexByte(signs, trimmed[0]) < 0 {
		return 0
	}
	spaced := len(trimmed) < len(c.rest) || strings.HasPrefix(trimmed[1:], " ")
	c.tight = !spaced && (trimmed[0] == '-' || trimmed[0] == '/') && (c.operators == 0 || c.tight)
	c.operators++
	c.rest = trimmed[1:]
	return trimmed[0]
}

// number writes a value the way people do: no exponent within reason, no digits that are rounding noise.
func number(value float64) string {
	if abs := math.Abs(value); abs >= 1e15 || abs != 0 && abs < 1e-6 {
		return strconv.FormatFloat(value, 'g', 8, 64)
	}
	text := strconv.FormatFloat(value, 'f', 10, 64)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}
