given("of-sampler_cope__msjoe_4",{"outcomes":"122222211222221212121221","labels":null});
