given("of-cope__cope_swap",{"outcomes":"212333333322333333223332","labels":null});
