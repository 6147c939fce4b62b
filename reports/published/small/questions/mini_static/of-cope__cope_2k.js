given("of-cope__cope_2k",{"outcomes":"212121121222122121222122","labels":null});
