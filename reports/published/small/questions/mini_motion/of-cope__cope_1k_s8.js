given("of-cope__cope_1k_s8",{"outcomes":"313113331233333121333311","labels":null});
