given("of-sampler_printed__msjoe_4",{"outcomes":"333323311333232331331323","labels":null});
