given("of-sampler__msjoe_2",{"outcomes":"112222222121221111212121","labels":null});
