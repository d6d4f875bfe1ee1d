package idempotency

import "time"

// RenewEvery changes how often the claims of running requests are renewed.
func (k *Keys) RenewEvery(d time.Duration) { k.renewal = d }
