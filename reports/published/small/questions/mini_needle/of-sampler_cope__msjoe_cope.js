given("of-sampler_cope__msjoe_cope",{"outcomes":"122222211122221212121221","labels":null});
