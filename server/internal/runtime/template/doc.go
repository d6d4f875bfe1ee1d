// Package template renders the prompts that characters may write themselves: the part of Handlebars that needs no code
// (agent runtime §5).
//
// {{x}} and {{{x}}} both insert text as it is. Paths have dots ({{a.b}}), "this", "../" and, inside {{#each}}, @index,
// @first, @last and @key. Blocks are {{#if}}, {{#unless}}, {{#each}} and {{#with}}, each with {{else}}; {{else if x}} chains.
// {{! comments }} disappear. Unknown names give empty text. There are no partials, helpers or code, so a template can
// neither fail nor do harm once it is compiled: [Template.Execute] only stops at a limit of size or work.
package template
