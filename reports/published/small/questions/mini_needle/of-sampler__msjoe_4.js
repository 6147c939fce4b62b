given("of-sampler__msjoe_4",{"outcomes":"112222212121221211212121","labels":null});
