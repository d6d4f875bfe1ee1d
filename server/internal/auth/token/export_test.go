package token

import "time"

// SetAfter replaces the timer of the background.
func (v *Verifier) SetAfter(after func(time.Duration) <-chan time.Time) {
	v.keys.(*remoteKeys).after = after
}

// Waiting returns how many callers wait for keys.
func (v *Verifier) Waiting() int {
	k := v.keys.(*remoteKeys)
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.waiting
}

// The bounds that tests go to.
const (
	MaxSet     = maxSet
	MaxKeys    = maxKeys
	MaxWaiting = maxWaiting
	FetchAgain = fetchAgain
	FetchEvery = fetchEvery
)
