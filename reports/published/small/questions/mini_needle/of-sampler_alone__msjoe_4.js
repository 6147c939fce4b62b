given("of-sampler_alone__msjoe_4",{"outcomes":"112222212121221112211121","labels":null});
