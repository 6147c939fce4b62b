given("of-cope__cope_2k",{"outcomes":"312121333332122133223332","labels":null});
