/* A small library with the functions of BridgeStan that the package calls: the model
 *
 *     parameters { real mu; real<lower=0> sigma; }
 *     transformed parameters { matrix[2, 3] m; }  // m[i, j] = mu + 10 i + j
 *     model { mu ~ normal(1, 2); sigma ~ exponential(1); }
 *
 * With the data {"half": 1} negative mu are refused; with {"bad": 1} it cannot be made. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool half;
} bs_model;

static int refuse(char **error, const char *text) {
    *error = malloc(strlen(text) + 1);
    strcpy(*error, text);
    return -1;
}

bs_model *bs_model_construct(const char *data, unsigned int seed, char **error) {
    (void)seed;
    if (strstr(data, "bad")) {
        refuse(error, "variable does not exist: N");
        return NULL;
    }
    bs_model *model = malloc(sizeof *model);
    model->half = strstr(data, "half") != NULL;
    return model;
}

void bs_model_destruct(bs_model *model) { free(model); }
void bs_free_error_msg(char *error) { free(error); }
const char *bs_model_info(const bs_model *model) { return model->half ? "STAN_THREADS=true" : "STAN_THREADS=false"; }
int bs_param_unc_num(const bs_model *model) { return model ? 2 : 0; }

const char *bs_param_names(const bs_model *model, bool transformed, bool generated) {
    (void)model, (void)generated;
    return transformed ? "mu,sigma,m.1.1,m.2.1,m.1.2,m.2.2,m.1.3,m.2.3" : "mu,sigma";
}

int bs_param_constrain(const bs_model *model, bool transformed, bool generated, const double *x, double *out, void *rng, char **error) {
    (void)model, (void)rng;
    if (generated) return refuse(error, "no generator");
    *out++ = x[0];
    *out++ = exp(x[1]);
    if (transformed)
        for (int j = 1; j <= 3; ++j)
            for (int i = 1; i <= 2; ++i) *out++ = x[0] + 10 * i + j;
    return 0;
}

int bs_log_density_gradient(const bs_model *model, bool propto, bool jacobian, const double *x, double *value, double *grad, char **error) {
    if (!propto || !jacobian) return refuse(error, "constants or no Jacobian");
    if (model->half && x[0] < 0) return refuse(error, "mu must not be negative");
    double z = (x[0] - 1) / 2, sigma = exp(x[1]);
    *value = -0.5 * z * z - sigma + x[1];
    grad[0] = -z / 2;
    grad[1] = 1 - sigma;
    return 0;
}
