package quota_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server/quota"
)

func TestWhatAnAddressIsKnownBy(t *testing.T) {
	for _, c := range []struct{ addr, key string }{
		{"192.0.2.7", "192.0.2.7/32"},
		{"::ffff:192.0.2.7", "192.0.2.7/32"},
		{"2001:db8::1", "2001:db8::/64"},
		{"2001:db8:0:0:ffff::1", "2001:db8::/64"},
		{"2001:db8:0:1::1", "2001:db8:0:1::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if got := quota.KeyOf(netip.MustParseAddr(c.addr)); got.String() != c.key {
			t.Errorf("%s is known by %v, want %s", c.addr, got, c.key)
		}
	}
	if got := quota.KeyOf(netip.Addr{}); got != (netip.Prefix{}) {
		t.Errorf("no address is known by %v, want the zero prefix", got)
	}
}

func TestTheAddressOfASocketsOtherEnd(t *testing.T) {
	want := netip.MustParseAddr("192.0.2.7")
	for _, addr := range []net.Addr{
		&net.UDPAddr{IP: net.ParseIP("192.0.2.7"), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7).To4(), Port: 1}, named("[::ffff:192.0.2.7]:1"),
	} {
		if got := quota.AddrOf(addr); got != want {
			t.Errorf("%T %v is %v, want %v", addr, addr, got, want)
		}
	}
	for _, addr := range []net.Addr{nil, named("@"), &net.UnixAddr{Name: "/tmp/socket"}, &net.UDPAddr{}} {
		if got := quota.AddrOf(addr); got.IsValid() {
			t.Errorf("%T %v is %v, want none", addr, addr, got)
		}
	}
}

func TestAddressesAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8::1": "2001:db8::1/128", "fe80::1%eth0": "fe80::1/128",
		"192.0.2.7/24": "192.0.2.0/24", "::ffff:192.0.2.0/120": "192.0.2.0/24", "2001:db8::1/32": "2001:db8::/32", "0.0.0.0/0": "0.0.0.0/0",
	} {
		if got, err := quota.ParsePrefix(text); err != nil || got.String() != want {
			t.Errorf("%s is %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "localhost", "192.0.2.7/33", "192.0.2/24", "fe80::1%eth0/64", "192.0.2.7:4433"} {
		if got, err := quota.ParsePrefix(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestAPrefixIsOfTheAddressesThatItHolds(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7/24": "192.0.2.0/24", "::ffff:192.0.2.7/120": "192.0.2.0/24", "::ffff:192.0.2.7/128": "192.0.2.7/32", "2001:db8::1/32": "2001:db8::/32",
	} {
		if got := quota.PrefixOf(netip.MustParsePrefix(text)); got.String() != want {
			t.Errorf("%s is %v, want %s", text, got, want)
		}
	}
	if got := quota.PrefixOf(netip.Prefix{}); got.IsValid() {
		t.Errorf("no prefix is %v", got)
	}
}

// named is an address of a kind that nobody knows.
type named string

func (n named) Network() string { return "udp" }
func (n named) String() string  { return string(n) }

func key(n int) netip.Prefix {
	return quota.KeyOf(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}))
}

// model is Rates as one would write it without a care for time and space. The steps of the test and its rates are such
// that the sums are exact.
type model struct {
	rate quota.Rate
	most int
	all  []bucket // the one heard of last is the last
}

type bucket struct {
	key    netip.Prefix
	tokens float64
	last   time.Time
}

func (m *model) allow(key netip.Prefix, now time.Time) bool {
	at := slices.IndexFunc(m.all, func(b bucket) bool { return b.key == key })
	b := bucket{key, float64(m.rate.Burst), now}
	if at >= 0 {
		b = m.all[at]
		m.all = slices.Delete(m.all, at, at+1)
	} else if len(m.all) == m.most {
		m.all = m.all[1:]
	}
	b.tokens = min(float64(m.rate.Burst), b.tokens+now.Sub(b.last).Seconds()*m.rate.PerSecond)
	b.last = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	m.all = append(m.all, b)
	return allowed
}

func TestRatesAreWhatTheModelSays(t *testing.T) {
	for range 50 {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 0))
		rate := quota.Rate{PerSecond: float64(1 + rng.IntN(8)), Burst: 1 + rng.IntN(5)}
		most := 1 + rng.IntN(6)
		rates, naive := quota.NewRates(rate, most), &model{rate: rate, most: most}
		now := time.Unix(1_800_000_000, 0)
		for step := range 2000 {
			now = now.Add(time.Duration(rng.IntN(4)) * time.Second / 8)
			k := key(rng.IntN(2 * most))
			if got, want := rates.Allow(k, now), naive.allow(k, now); got != want {
				t.Fatalf("seed %d, step %d, %+v, %d keys: %v was allowed: %v, want %v", seed, step, rate, most, k, got, want)
			}
			if rates.Known() != len(naive.all) {
				t.Fatalf("seed %d, step %d: %d keys are known, want %d", seed, step, rates.Known(), len(naive.all))
			}
		}
	}
}

func TestWithoutARateNothingIsBound(t *testing.T) {
	rates := quota.NewRates(quota.Rate{}, 8)
	now := time.Unix(1_800_000_000, 0)
	for i := range 1000 {
		if !rates.Allow(key(0), now) || !rates.Bucket(key(1)).AllowN(now, 1) {
			t.Fatalf("act %d was not allowed", i)
		}
	}
}

// TestWhatIsChargedIsPaidOff, also what was too much: five at once while two might be are owed for three seconds, and then one.
func TestWhatIsChargedIsPaidOff(t *testing.T) {
	rates := quota.NewRates(quota.Rate{PerSecond: 1, Burst: 2}, 4)
	now := time.Unix(1_800_000_000, 0)
	for range 3 {
		if !rates.May(key(0), now) {
			t.Error("to ask counts")
		}
	}
	for range 5 {
		rates.Charge(key(0), now)
	}
	for second, want := range []bool{false, false, false, false, true} {
		if got := rates.May(key(0), now.Add(time.Duration(second)*time.Second)); got != want {
			t.Errorf("%d s later it may: %v, want %v", second, got, want)
		}
	}
	if !rates.May(key(1), now) {
		t.Error("another key is charged, too")
	}
	if unbound := quota.NewRates(quota.Rate{}, 1); !unbound.May(key(0), now) {
		t.Error("without a rate it may not")
	}
}

func TestAFloodOfKeysIsForgotten(t *testing.T) {
	const most = 1000
	rates := quota.NewRates(quota.Rate{PerSecond: 1, Burst: 2}, most)
	now := time.Unix(1_800_000_000, 0)
	regular := key(1 << 20)
	refused := 0
	for i := range 50 * most {
		rates.Allow(key(i), now)
		if i%(most/2) == 0 && !rates.Allow(regular, now) {
			refused++
		}
	}
	if n := rates.Known(); n != most {
		t.Errorf("%d keys are known, want %d", n, most)
	}
	if refused != 98 {
		t.Errorf("one that is heard of again and again was refused %d times of 100, want all but its burst: it is never forgotten", refused)
	}
}

func TestCountsAreWhatTheModelSays(t *testing.T) {
	for range 50 {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 0))
		most := rng.IntN(4) // none is no bound
		counts, naive := quota.NewCounts(most), map[netip.Prefix]int{}
		for step := range 2000 {
			k := key(rng.IntN(5))
			if rng.IntN(2) == 0 {
				want := most == 0 || naive[k] < most
				if got := counts.Take(k); got != want {
					t.Fatalf("seed %d, step %d: with %d of %d another was taken: %v", seed, step, naive[k], most, got)
				}
				if want {
					naive[k]++
				}
			} else if counts.Give(k); naive[k] > 0 {
				naive[k]--
			}
			known := 0
			for _, n := range naive {
				known += min(n, 1)
			}
			if counts.Of(k) != naive[k] || counts.Known() != known {
				t.Fatalf("seed %d, step %d: %d of %d keys, want %d of %d", seed, step, counts.Of(k), counts.Known(), naive[k], known)
			}
		}
	}
}

func TestManyAskAtOnce(t *testing.T) {
	const workers, acts, most = 8, 2000, 3
	counts, rates := quota.NewCounts(most), quota.NewRates(quota.Rate{PerSecond: 1, Burst: 10}, 4)
	now := time.Unix(1_800_000_000, 0)
	var work sync.WaitGroup
	var mu sync.Mutex
	has, allowed := map[netip.Prefix]int{}, 0
	var wrong error
	for w := range workers {
		rng := rand.New(rand.NewPCG(uint64(w), 0))
		work.Go(func() {
			for range acts {
				k := key(rng.IntN(3))
				if rates.Allow(key(9), now) {
					mu.Lock()
					allowed++
					mu.Unlock()
				}
				if !counts.Take(k) {
					continue
				}
				mu.Lock()
				if has[k]++; has[k] > most {
					wrong = fmt.Errorf("%v has %d, at most %d are possible", k, has[k], most)
				}
				mu.Unlock()
				mu.Lock()
				has[k]--
				mu.Unlock()
				counts.Give(k)
			}
		})
	}
	work.Wait()
	if wrong != nil {
		t.Error(wrong)
	}
	if n := counts.Known(); n != 0 {
		t.Errorf("%d keys have something when all was given back", n)
	}
	if allowed != 10 {
		t.Errorf("%d acts were allowed at one moment, want the burst of 10", allowed)
	}
}

func BenchmarkRates(b *testing.B) {
	rates := quota.NewRates(quota.Rate{PerSecond: 1000, Burst: 1000}, 4096)
	keys := make([]netip.Prefix, 8192)
	for i := range keys {
		keys[i] = key(i)
	}
	now := time.Unix(1_800_000_000, 0)
	for name, n := range map[string]int{"known": 1024, "flood": len(keys)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				rates.Allow(keys[i%n], now)
				i++
			}
		})
	}
}
