given("of-sampler_cope__msjoe_cope",{"outcomes":"122332133332232222231223","labels":null});
