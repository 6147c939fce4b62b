given("of-sampler_cope__msjoe_31",{"outcomes":"122332313333223233321323","labels":null});
