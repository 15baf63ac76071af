/* Interest evolution in plain C, to time the compiled loop against: the same streams, the same
 * records, and so the same bytes. Its dynamics are described in scenarios/interest_evolution.py,
 * its streams in recsim_env/core/streams.py. Compile without contracting products and sums. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { TOPICS = 20, CANDIDATES = 10, PLACES = 3, SHOWN = 4 };
enum { OF_EPISODE = 0, OF_USER = 2, OF_CANDIDATES = 5, OF_CHOICE = 6, FIRST_STEP = 7 };

static const uint64_t GAMMA = 0x9E3779B97F4A7C15ULL;

typedef struct { double score, probability; uint8_t clicked; double watch_time, quality; int64_t topic; } Response;
typedef struct { int64_t topic; double quality; } Item;
typedef struct {
  uint64_t seed; int64_t episode; uint64_t key; int64_t step, user_id; uint8_t begins, is_over;
  uint64_t rng; double interest[TOPICS], budget;
  int64_t candidates[CANDIDATES], slate[PLACES]; Response response[PLACES]; Item items[CANDIDATES];
} Slot;
typedef struct { float user[TOPICS], candidates[CANDIDATES][TOPICS], response[PLACES][SHOWN]; } Shown;
typedef struct {
  double time_budget, video_length, step_penalty, quality_bonus, quality_sd, drift, scale, no_click;
  double topic_quality[TOPICS], width[257], inner[256], step[256];
} World;

static inline uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}
static inline uint64_t derive(uint64_t key, uint64_t label) { return mix(key + label * GAMMA + GAMMA); }
static inline uint64_t bits_of(uint64_t *rng) { *rng += GAMMA; return mix(*rng); }
static inline double uniform(uint64_t *rng) { return (double)(int64_t)(bits_of(rng) >> 11) * 0x1p-53; }

static double beyond(const World *w, uint64_t *rng, int layer, double point) {
  while (fabs(point) >= w->inner[layer]) {
    double x = point * w->step[layer];
    if (layer == 0) {
      for (;;) {
        double far = -log(1.0 - uniform(rng)) / w->width[1];
        if (-2.0 * log(1.0 - uniform(rng)) > far * far) return copysign(w->width[1] + far, x);
      }
    }
    double outer = exp(-0.5 * (w->width[layer] * w->width[layer] - x * x));
    double below = exp(-0.5 * (w->width[layer + 1] * w->width[layer + 1] - x * x));
    if (below + uniform(rng) * (outer - below) < 1.0) return x;
    uint64_t bits = bits_of(rng);
    layer = bits & 255;
    point = (double)((int64_t)(bits >> 11) - (1LL << 52));
  }
  return point * w->step[layer];
}

static inline double normal(const World *w, uint64_t *rng) {
  uint64_t bits = bits_of(rng);
  int layer = bits & 255;
  double point = (double)((int64_t)(bits >> 11) - (1LL << 52));
  return fabs(point) < w->inner[layer] ? point * w->step[layer] : beyond(w, rng, layer, point);
}

static inline void offer(const World *w, Slot *s) {
  s->rng = derive(derive(s->key, FIRST_STEP + s->step), OF_CANDIDATES);
  for (int i = 0; i < CANDIDATES; i++) {
    int64_t topic = (int64_t)(uniform(&s->rng) * TOPICS);
    s->items[i].topic = topic;
    s->items[i].quality = w->topic_quality[topic] + w->quality_sd * normal(w, &s->rng);
  }
}

static inline void clear(Slot *s) {
  for (int i = 0; i < PLACES; i++) {
    s->slate[i] = -1;
    s->response[i] = (Response){0};
  }
}

static void begin(const World *w, Slot *s) {
  s->key = derive(derive(s->seed, OF_EPISODE), s->episode);
  s->step = 0;
  s->begins = s->is_over = 0;
  s->rng = derive(s->key, OF_USER);
  for (int i = 0; i < TOPICS; i++) s->interest[i] = -1.0 + 2.0 * uniform(&s->rng);
  s->budget = w->time_budget;
  clear(s);
  offer(w, s);
}

static inline int choose(const World *w, Slot *s) {
  double top = w->no_click;
  for (int i = 0; i < PLACES; i++)
    if (s->slate[i] >= 0 && s->response[i].score > top) top = s->response[i].score;
  double total = exp(w->no_click - top);
  for (int i = 0; i < PLACES; i++) {
    s->response[i].probability = s->slate[i] >= 0 ? exp(s->response[i].score - top) : 0.0;
    total += s->response[i].probability;
  }
  double left = uniform(&s->rng) * total, scale = 1.0 / total;
  int chosen = -1;
  for (int i = 0; i < PLACES; i++) {
    double weight = s->response[i].probability;
    s->response[i].probability = weight * scale;
    s->response[i].clicked = chosen < 0 && left < weight;
    if (s->response[i].clicked) chosen = i;
    left -= weight;
  }
  return chosen;
}

static inline double respond(const World *w, Slot *s) {
  for (int i = 0; i < PLACES; i++) {
    if (s->slate[i] < 0) continue;
    const Item *item = &s->items[s->slate[i]];
    s->response[i].score = w->scale * s->interest[item->topic];
    s->response[i].quality = item->quality;
    s->response[i].topic = item->topic;
  }
  int chosen = choose(w, s);
  if (chosen < 0) {
    s->budget -= w->step_penalty;
    return 0.0;
  }
  Response *r = &s->response[chosen];
  r->watch_time = s->budget < w->video_length ? s->budget : w->video_length;
  s->budget -= r->watch_time * (1.0 - w->quality_bonus * r->quality);
  double x = s->interest[r->topic], change = w->drift * (1.0 - fabs(x)) * (1.0 - x);
  if (uniform(&s->rng) >= (x + 1.0) / 2.0) change = -change;
  s->interest[r->topic] = fmin(1.0, fmax(-1.0, x + change));
  return r->watch_time;
}

static inline void show(const Slot *s, Shown *shown) {
  memset(shown, 0, sizeof *shown);
  for (int i = 0; i < TOPICS; i++) shown->user[i] = (float)s->interest[i];
  for (int i = 0; i < CANDIDATES; i++) shown->candidates[i][s->items[i].topic] = 1.0f;
  for (int i = 0; i < PLACES; i++) {
    const Response *r = &s->response[i];
    shown->response[i][0] = r->clicked;
    shown->response[i][1] = (float)r->watch_time;
    shown->response[i][2] = (float)r->quality;
    shown->response[i][3] = (float)r->topic;
  }
}

/* A step of everybody; who left before begins anew instead. Actions are (n, PLACES). */
void step(const World *w, Slot *slots, const int64_t *actions, Shown *shown, double *rewards,
          uint8_t *terminated, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    Slot *s = &slots[i];
    rewards[i] = 0.0;
    terminated[i] = 0;
    if (s->is_over) {
      s->episode++;
      begin(w, s);
    } else {
      clear(s);
      for (int place = 0; place < PLACES; place++) {
        s->slate[place] = actions[i * PLACES + place];
        for (int earlier = 0; earlier < place; earlier++)
          if (actions[i * PLACES + earlier] == actions[i * PLACES + place]) s->slate[place] = -1;
      }
      s->rng = derive(derive(s->key, FIRST_STEP + s->step), OF_CHOICE);
      rewards[i] = respond(w, s);
      s->is_over = terminated[i] = s->budget <= 0.0;
      s->step++;
      offer(w, s);
    }
    show(s, &shown[i]);
  }
}
