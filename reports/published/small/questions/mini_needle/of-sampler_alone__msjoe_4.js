given("of-sampler_alone__msjoe_4",{"outcomes":"332333333333222333333323","labels":null});
