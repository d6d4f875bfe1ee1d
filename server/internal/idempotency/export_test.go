package idempotency

import "time"

// RenewEvery changes how often the claims of requests at work are renewed.
func (k *Keys) RenewEvery(d time.Duration) { k.renewal = d }
