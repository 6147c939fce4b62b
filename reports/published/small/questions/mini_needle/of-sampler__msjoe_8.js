given("of-sampler__msjoe_8",{"outcomes":"112122211121221211121221","labels":null});
