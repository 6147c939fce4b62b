given("of-cope_n4__cope_1k",{"outcomes":"112111112121111211211221","labels":null});
